/** Alerts without a rule: those of `progress notify`, and tests of channels. */
import { randomUUID } from 'node:crypto';
import type { NewEvent } from '../core/events/event.js';
import type { Attempt, Notice } from '../api/messages.js';
import { NOTICE } from '../api/requests.js';
import type { Alert, AlertChannel } from './channel.js';
import { NO_SUCH_CHANNEL } from './channel.js';
import { toSingleLine } from './single-line.js';

/** Texts of a user may be longer than those of rules. */
const TITLE_CHARS = 200;
const BODY_CHARS = 2_000;
const TEST_MS = 60_000;

/** Creates the events that record a notice, one for each channel. */
export function noticeEvents({
  title,
  body,
  channels,
  urgency = NOTICE.urgency.default,
  execution,
}: Notice): NewEvent[] {
  return [...new Set(channels)].map((channel) => {
    const what = { title: toSingleLine(title, TITLE_CHARS), body: toSingleLine(body ?? '', BODY_CHARS), urgency };
    const data = { outcome: 'pending', id: randomUUID(), rule: 'notify', channel, ...what };
    return { type: 'alert_triggered', ...(execution !== undefined && { execution }), data };
  });
}

/** Sends a test once. @returns the outcome, and the event that records it */
export async function tryChannel(
  name: string,
  channel: AlertChannel | undefined,
  time: string,
): Promise<{ attempt: Attempt; event: NewEvent }> {
  const [id, title] = [randomUUID(), `Test of ${name}`];
  const texts = { title, body: 'Alerts get through.', urgency: 'normal', severity: 'info' } as const;
  const alert: Alert = { id, rule: 'test', rules: ['test'], ...texts, time };
  const outcome = (await channel?.send(alert, AbortSignal.timeout(TEST_MS))) ?? NO_SUCH_CHANNEL;
  const attempt: Attempt = outcome.outcome === 'retry' ? { outcome: 'failed', error: outcome.error } : { ...outcome };
  const data = { id, rule: 'test', channel: name, title, ...attempt, attempts: 1 };
  return { attempt, event: { type: 'alert_triggered', data } };
}
