/** Recovery after a crash: evaluates events again that are read at the start, and finds alerts that were not written. */
import type { AlertState } from '../core/state/alerts.js';
import { emptyAlerts } from '../core/state/alerts.js';
import type { Clock } from '../core/base/clock.js';
import type { ExecutionEvent } from '../core/events/event.js';
import { textOf } from '../core/events/event.js';
import type { Execution } from '../core/execution.js';
import type { State } from '../core/state/state.js';
import { findExecution } from '../core/state/state.js';
import type { Match } from './rule-evaluator.js';
import type { Moment } from './moment.js';
import { RuleEvaluator } from './rule-evaluator.js';
import type { AlertEvent } from './alert-event.js';
import { alertId, alertIdsOf } from './alert-event.js';
import type { Rule } from './rules.js';

export interface Recovery {
  /** Called for each event that was read and folded. */
  observe(event: ExecutionEvent, execution: Execution | undefined, state: State): void;
  /** Ends recovery. `evaluator` continues from the state; `missed`: alerts to send, with their channels. */
  end(state: State): { evaluator: RuleEvaluator; missed: AlertEvent[] };
}

export function createRecovery(rules: readonly Rule[], journal: string, clock: Clock, now: () => number): Recovery {
  let alerts: AlertState = emptyAlerts();
  const evaluator = new RuleEvaluator(rules, () => alerts);
  const matches: Match[] = [];
  const written = new Set<string>();

  const momentOf = ({ time }: ExecutionEvent): Moment => {
    const moment = { at: clock.now(), now: now() };
    // converts its wall clock time to the monotonic clock
    return { ...moment, at: moment.at - Math.max(0, moment.now - Date.parse(time)) };
  };

  /** A question must still be open. */
  const stillHolds = ({ event, execution }: Match, state: State): boolean =>
    event?.type !== 'attention' ||
    (execution !== undefined && findExecution(state, execution.id)?.attention?.state === textOf(event.data, 'state'));

  return {
    observe(event, execution, state) {
      ({ alerts } = state);
      if (event.type === 'alert_triggered') {
        for (const id of alertIdsOf(journal, event)) written.add(id);
      } else if (evaluator.needs(event.type)) matches.push(...evaluator.take(event, execution, momentOf(event)));
    },
    end(state) {
      ({ alerts } = state);
      evaluator.adopt(state.alive.values(), { at: clock.now(), now: now() });
      const missed = matches
        .filter((match) => stillHolds(match, state))
        .map((match) => ({
          match,
          channels: match.rule.notify.filter((channel) => !written.has(alertId(journal, match, channel))),
        }))
        .filter(({ channels }) => channels.length > 0);
      return { evaluator, missed };
    },
  };
}
