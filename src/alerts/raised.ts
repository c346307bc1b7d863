/** An alert on its way through the journal: to the event that tells of it, and back to what a channel sends. */
import { createHash } from 'node:crypto';
import type { ExecutionEvent, NewEvent } from '../core/event.js';
import { numberOf, textOf } from '../core/event.js';
import type { ExecutionJson } from '../core/execution.js';
import type { Alert } from './channel.js';
import { URGENCIES } from './channel.js';

import type { Match } from './judge.js';

const ID_CHARS = 22;

/** The same whenever the same event is judged: nothing is told twice, and a target can tell a second attempt. */
export function alertId(journal: string, { rule, cause }: Pick<Match, 'rule' | 'cause'>, channel: string): string {
  return hash([journal, rule.name, channel, cause]);
}

/** Of what tells how many were suppressed through that seq. */
export function summaryId(journal: string, channel: string, through: number): string {
  return hash([journal, channel, through]);
}

function hash(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, ID_CHARS);
}

/** The event that makes it certain to be sent. */
export function toPending(journal: string, match: Match, channel: string): NewEvent {
  const { rule, execution, event, cause, once, telling } = match;
  return {
    type: 'alert_triggered',
    ...(execution && { execution: execution.id }),
    data: {
      ...{ outcome: 'pending', id: alertId(journal, match, channel), rule: rule.name, channel },
      ...telling,
      ...(event && { cause }),
      ...(once && { once: true }),
    },
  };
}

/** Its cause and its execution may be gone by now. */
export function toAlert(pending: ExecutionEvent, cause: ExecutionEvent | undefined, execution?: ExecutionJson): Alert {
  const { data, time } = pending;
  const suppressed = numberOf(data, 'suppressed');
  return {
    id: textOf(data, 'id') ?? String(pending.seq),
    rule: textOf(data, 'rule') ?? '',
    title: textOf(data, 'title') ?? '',
    body: textOf(data, 'body') ?? '',
    urgency: URGENCIES.find((known) => known === data['urgency']) ?? 'normal',
    time: cause?.time ?? time,
    ...(cause && { event: cause }),
    ...(execution && { execution }),
    ...(suppressed !== undefined && { suppressed }),
  };
}
