/** What a crash has left: judges again what is read at a start, and finds what was never written down. */
import type { AlertState } from '../core/alerts.js';
import { emptyAlerts } from '../core/alerts.js';
import type { Clock } from '../core/clock.js';
import type { ExecutionEvent } from '../core/event.js';
import { textOf } from '../core/event.js';
import type { Execution } from '../core/execution.js';
import type { State } from '../core/state.js';
import { findExecution } from '../core/state.js';
import type { Match } from './rule-evaluator.js';
import type { Moment } from './moment.js';
import { RuleEvaluator } from './rule-evaluator.js';
import type { AlertEvent } from './alert-event.js';
import { alertId, alertIdsOf } from './alert-event.js';
import type { Rule } from './rules.js';

export interface Recovery {
  /** This was read, and is in the state. */
  saw(event: ExecutionEvent, execution: Execution | undefined, state: State): void;
  /** The state is read whole. The judge goes on from there; `missed`: what was to be told, over which channels. */
  end(state: State): { judge: RuleEvaluator; missed: AlertEvent[] };
}

export function createRecovery(rules: readonly Rule[], journal: string, clock: Clock, now: () => number): Recovery {
  let alerts: AlertState = emptyAlerts();
  const judge = new RuleEvaluator(rules, () => alerts);
  const matches: Match[] = [];
  const written = new Set<string>();

  const momentOf = ({ time }: ExecutionEvent): Moment => {
    const moment = { at: clock.now(), now: now() };
    // as long ago as it says
    return { ...moment, at: moment.at - Math.max(0, moment.now - Date.parse(time)) };
  };

  /** Of a question only if it still stands. */
  const stillHolds = ({ event, execution }: Match, state: State): boolean =>
    event?.type !== 'attention' ||
    (execution !== undefined && findExecution(state, execution.id)?.attention === textOf(event.data, 'state'));

  return {
    saw(event, execution, state) {
      ({ alerts } = state);
      if (event.type === 'alert_triggered') {
        for (const id of alertIdsOf(journal, event)) written.add(id);
      } else if (judge.isAskedAbout(event.type)) matches.push(...judge.take(event, execution, momentOf(event)));
    },
    end(state) {
      ({ alerts } = state);
      judge.adopt(state.alive.values(), { at: clock.now(), now: now() });
      const missed = matches
        .filter((match) => stillHolds(match, state))
        .map((match) => ({
          match,
          channels: match.rule.notify.filter((channel) => !written.has(alertId(journal, match, channel))),
        }))
        .filter(({ channels }) => channels.length > 0);
      return { judge, missed };
    },
  };
}
