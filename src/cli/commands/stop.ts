/** `progress stop`: asks runs to end, kills those that do not, or sends a signal. */
import type { ExecutionEvent } from '../../core/event.js';
import { textOf } from '../../core/event.js';
import type { Execution } from '../../core/execution.js';
import { isFinal } from '../../core/execution.js';
import { ProgressError } from '../../core/errors.js';
import { defineCommand } from '../command.js';
import type { ControlOptions } from '../control/control.js';
import { controlRuns, endText } from '../control/control.js';
import { withSelection } from '../control/selection.js';
import { parseSignal } from '../shared/signal-name.js';
import { parseDuration } from '../shared/output-options.js';

export const command = defineCommand({
  usage: 'stop [runs..]',
  describe: 'Stop runs: ask first, kill what does not go',
  options: (yargs) =>
    withSelection(yargs)
      .option('grace', {
        type: 'string',
        requiresArg: true,
        describe: 'Time to go before it is killed: 500ms, 30s, 2m',
      })
      .option('kill', { type: 'boolean', describe: 'Kill at once' })
      .option('signal', {
        type: 'string',
        requiresArg: true,
        describe: 'Send this signal instead, and do not wait for the end',
      })
      .option('json', { type: 'boolean', describe: 'Print JSON' }),
  async run({ grace, kill = false, signal, json = false, ...selection }, context) {
    if ([grace !== undefined, kill, signal !== undefined].filter(Boolean).length > 1) {
      throw new ProgressError('usage', '--grace, --kill, --signal: choose one');
    }
    return await controlRuns(selection, orderingOf(grace, kill, signal), context, json);
  },
});

function orderingOf(grace: string | undefined, kill: boolean, signal: string | undefined): ControlOptions {
  const shared = { isFor: () => true, nothing: 'Nothing to stop.', needless: endText };
  if (signal !== undefined) {
    const name = parseSignal(signal);
    const isFor = ({ status }: Execution) => status !== 'queued';
    const outcome: ControlOptions['outcome'] = ({ status }, events) => {
      if (isFinal(status)) return `${status}${isSent(events, name) ? ` after ${name}` : ` before ${name} was sent`}`;
      return isSent(events, name) ? `${name} was sent` : undefined;
    };
    return { ...shared, isFor, order: { action: 'signal', signal: name }, outcome };
  }
  const graceMs = grace === undefined ? undefined : parseDuration('grace', grace);
  return {
    ...shared,
    order: kill ? { action: 'kill' } : { action: 'stop', ...(graceMs !== undefined && { graceMs }) },
    outcome: (execution, events) => (isFinal(execution.status) ? tookText(execution, events) : undefined),
  };
}

/** What a run is asked to end by: the second one where it was started with the first ignored. */
const POLITE = ['SIGINT', 'SIGTERM'];

/** The daemon records that it was asked for, then the runner, or the daemon in its place, that it was sent. */
function isSent(events: readonly ExecutionEvent[], name: string): boolean {
  return events.filter(({ data }) => data['action'] === 'signal' && textOf(data, 'signal') === name).length > 1;
}

/** How it ended, and which signals that took. */
function tookText({ status, startedAt, dismissed }: Execution, events: readonly ExecutionEvent[]): string {
  if (dismissed) return 'dismissed; progress did not start it, and stops nothing';
  const signals = new Set(events.map(({ data }) => (data['action'] === 'signal' ? textOf(data, 'signal') : undefined)));
  if (startedAt === undefined) return `${status} before it began`;
  const first = POLITE.find((name) => signals.has(name));
  if (signals.has('SIGKILL')) {
    return first === undefined ? 'killed by SIGKILL' : `${first} did not end it, SIGKILL did`;
  }
  return first === undefined ? `${status} before it was stopped` : `stopped by ${first}`;
}
