/** Follows what is published, lets the rules judge it, and records what became of each alert. */
import type { ExecutionEvent, NewEvent } from '../core/event.js';
import { EXECUTION_ENDS } from '../core/event.js';
import type { State } from '../core/state.js';
import { findExecution } from '../core/state.js';
import type { Channel, Outcome } from './channel.js';
import type { Alert } from './rules.js';
import { judge } from './rules.js';

export interface Alerts {
  /** These are in the journal and in the state. */
  wrote(events: readonly ExecutionEvent[]): void;
}

export interface AlertsOptions {
  state: State;
  desktop: Channel;
  /** Takes the event about an alert, and says when it is written or refused. */
  record: (event: NewEvent, settled: () => void) => void;
  log: (message: string) => void;
  now: () => number;
}

export function createAlerts({ state, desktop, record, log, now }: AlertsOptions): Alerts {
  /** Executions whose alert is on its way; once it is recorded their state says so. */
  const underway = new Set<string>();
  let said: string | undefined;

  /** A machine without a desktop says so once, and has nothing to record. */
  const tell = (delivery: Outcome): void => {
    const reason = delivery.outcome === 'unavailable' ? delivery.error : undefined;
    if (reason !== undefined && reason !== said) log(`no desktop notifications: ${reason}`);
    said = reason;
  };

  const raise = async (execution: string, { rule, title, body, urgency }: Alert) => {
    underway.add(execution);
    const alert = { id: execution, rule, title, body, urgency, time: new Date(now()).toISOString() };
    const delivery = await desktop.send(alert, new AbortController().signal);
    tell(delivery);
    const settled = () => void underway.delete(execution);
    if (delivery.outcome === 'unavailable') settled();
    else
      record({ type: 'alert_triggered', execution, data: { rule, channel: 'desktop', title, ...delivery } }, settled);
  };

  return {
    wrote(events) {
      for (const event of events) {
        // most are something else, and this runs for each
        if (event.execution === undefined || !Object.hasOwn(EXECUTION_ENDS, event.type)) continue;
        const execution = findExecution(state, event.execution);
        if (!execution || underway.has(execution.id)) continue;
        const alert = judge(event, execution, now());
        if (alert) void raise(execution.id, alert);
      }
    },
  };
}
