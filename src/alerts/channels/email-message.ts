/** Builds the email of an alert: plain text, with headers for deduplication. */
import { createHash } from 'node:crypto';
import type { Alert } from '../channel.js';
import { toSingleLine } from '../single-line.js';

/** Longer than what a list of messages shows of a subject. */
const SUBJECT_CHARS = 200;
const LINE_CHARS = 1_000;
const PRIORITIES = { low: 'low', normal: 'normal', critical: 'high' } as const;

export function buildMessage(from: string, alert: Alert) {
  return {
    // the same for each attempt, so that a recipient deduplicates
    messageId: `<${createHash('sha256').update(alert.id).digest('hex').slice(0, 32)}@${domainOf(from)}>`,
    date: new Date(alert.time),
    subject: plain(toSingleLine(alert.title, SUBJECT_CHARS)) || 'progress',
    text: describe(alert),
    priority: PRIORITIES[alert.urgency],
    // prevents automatic replies
    headers: { 'Auto-Submitted': 'auto-generated' },
  };
}

/** Breaks up encoded words (RFC 2047), which a mail program would decode, by a zero-width space. */
function plain(text: string): string {
  return text.replaceAll('=?', '=\u200b?');
}

/** Domain of `Name <name@domain>`. */
function domainOf(address: string): string {
  return /@([\w.-]+)>?$/.exec(address)?.[1] ?? 'localhost';
}

function describe({ body, rules, severity, time, execution, alerts }: Alert): string {
  const lines = [
    [execution?.name, 'Execution'],
    [execution && `${execution.kind}, ${execution.status}`, 'State'],
    [execution?.process?.host, 'Machine'],
    [execution?.process?.cwd, 'Directory'],
    [time, 'Time'],
    [severity, 'Severity'],
    [rules.join(', '), rules.length > 1 ? 'Rules' : 'Rule'],
  ].flatMap(([value, title = '']) =>
    value === undefined ? [] : [`${title.padEnd(10)} ${toSingleLine(value, LINE_CHARS)}`],
  );
  const more = execution && `progress show ${toSingleLine(execution.id, LINE_CHARS)}`;
  const held = alerts?.map((one) => toSingleLine(`${one.time}  ${one.title} · ${one.body}`, LINE_CHARS)).join('\n');
  return `${[held ?? toSingleLine(body, LINE_CHARS), lines.join('\n'), more].filter(Boolean).join('\n\n')}\n`;
}
