/** Builds the request of a webhook: the alert as JSON, or in the format of a service. */
import type { Alert } from '../channel.js';
import { toSingleLine } from '../single-line.js';
import { toJson } from './payload.js';
import { failed } from './undeliverable.js';

export interface WebhookRequest {
  url: URL;
  /** JSON. */
  body: string;
}

type Template = 'json' | 'slack' | 'ntfy';

/** @throws Undeliverable for a URL that does not fit the template */
export function buildRequest(template: Template, url: URL, alert: Alert): WebhookRequest {
  switch (template) {
    case 'json':
      return { url, body: toJson(alert) };
    case 'slack':
      return { url, body: JSON.stringify(slackMessage(alert)) };
    case 'ntfy':
      return ntfyRequest(url, alert);
  }
}

/** Limits of Slack. */
const SLACK_HEADER_CHARS = 150;
const SLACK_SECTION_CHARS = 3_000;

/** Message of plain text blocks, without mentions and links. `text` is what a phone shows. */
function slackMessage({ title, body, rules, time, execution }: Alert): object {
  const plain = (text: string, chars: number) => ({ type: 'plain_text', text: escapeSlack(text, chars), emoji: false });
  const footer = [
    execution && `progress show ${execution.id}`,
    `${rules.length > 1 ? 'rules' : 'rule'} ${rules.join(', ')}`,
    time,
  ]
    .filter(Boolean)
    .join(' · ');
  return {
    text: escapeSlack(body === '' ? title : `${title}: ${body}`, SLACK_SECTION_CHARS),
    blocks: [
      { type: 'header', text: plain(title, SLACK_HEADER_CHARS) },
      ...(body === '' ? [] : [{ type: 'section', text: plain(body, SLACK_SECTION_CHARS) }]),
      { type: 'context', elements: [plain(footer, SLACK_HEADER_CHARS)] },
    ],
  };
}

/** Escapes mentions such as `<!channel>`; at most `chars` when escaped. */
function escapeSlack(text: string, chars: number): string {
  for (let room = chars; ;) {
    const line = toSingleLine(text, room);
    const escaped = line.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
    if (escaped.length <= chars) return escaped;
    room = line.length - Math.ceil((escaped.length - chars) / '&amp;'.length);
  }
}

/** ntfy converts longer messages than 4096 bytes to attachments. */
const NTFY_MESSAGE_CHARS = 1_000;
const NTFY_TITLE_CHARS = 200;
const NTFY_PRIORITIES = { low: 2, normal: 3, critical: 5 };

/** Publishes as JSON at the root of the server, since headers are limited to ASCII. */
function ntfyRequest(url: URL, { title, body, urgency, rules }: Alert): WebhookRequest {
  const [, folder = '', topic = ''] = /^(.*\/)([-\w]{1,64})$/.exec(url.pathname) ?? [];
  if (topic === '') throw failed('the URL of an ntfy topic ends with its name, as in https://ntfy.sh/topic');
  const root = new URL(url);
  root.pathname = folder;
  const message = {
    topic,
    title: toSingleLine(title, NTFY_TITLE_CHARS),
    message: toSingleLine(body === '' ? title : body, NTFY_MESSAGE_CHARS),
    priority: NTFY_PRIORITIES[urgency],
    tags: rules,
  };
  return { url: root, body: JSON.stringify(message) };
}
