/** `progress stop`: stops runs by SIGINT, then SIGKILL, or sends a signal. */
import type { ExecutionEvent } from '../../core/events/event.js';
import { textOf } from '../../core/events/event.js';
import type { Execution } from '../../core/execution.js';
import { isFinal } from '../../core/execution.js';
import { ProgressError } from '../../core/base/errors.js';
import { defineCommand } from '../command.js';
import { JSON_OPTION } from '../options.js';
import type { ControlOptions } from '../control/control.js';
import { controlRuns, endText } from '../control/control.js';
import { SELECTION } from '../control/selection.js';
import { parseSignal } from '../shared/signal-name.js';
import { parseDuration } from '../shared/option-values.js';

export const command = defineCommand({
  verb: 'stop',
  describe: 'Stop runs (SIGINT, then SIGKILL)',
  positionals: SELECTION.positionals,
  options: {
    ...SELECTION.options,
    grace: { type: 'string', value: 'duration', describe: 'Time between SIGINT and SIGKILL: 500ms, 30s, 2m' },
    kill: { type: 'boolean', describe: 'Send SIGKILL at once' },
    signal: { type: 'string', value: 'name', describe: 'Send this signal instead and do not wait for the end' },
    ...JSON_OPTION,
  },
  async run({ grace, kill = false, signal, json = false, ...selection }, context) {
    if ([grace !== undefined, kill, signal !== undefined].filter(Boolean).length > 1) {
      throw new ProgressError('usage', '--grace, --kill and --signal exclude each other');
    }
    return await controlRuns(selection, optionsOf(grace, kill, signal), context, json);
  },
});

function optionsOf(grace: string | undefined, kill: boolean, signal: string | undefined): ControlOptions {
  const shared = { isFor: () => true, nothing: 'Nothing to stop.', needless: endText };
  if (signal !== undefined) {
    const name = parseSignal(signal);
    const isFor = ({ status }: Execution) => status !== 'queued';
    const outcome: ControlOptions['outcome'] = ({ status }, events) => {
      if (isFinal(status)) return `${status}${isSent(events, name) ? ` after ${name}` : ` before ${name} was sent`}`;
      return isSent(events, name) ? `${name} was sent` : undefined;
    };
    return { ...shared, isFor, request: { action: 'signal', signal: name }, outcome };
  }
  const graceMs = grace === undefined ? undefined : parseDuration('grace', grace);
  return {
    ...shared,
    request: kill ? { action: 'kill' } : { action: 'stop', ...(graceMs !== undefined && { graceMs }) },
    outcome: (execution, events) => (isFinal(execution.status) ? tookText(execution, events) : undefined),
  };
}

/** Signals that ask a run to end; the second one is used if it was started with the first ignored. */
const POLITE = ['SIGINT', 'SIGTERM'];

/** Whether a signal was sent: the daemon records the request, and the runner, or the daemon for it, the delivery. */
function isSent(events: readonly ExecutionEvent[], name: string): boolean {
  return events.filter(({ data }) => data['action'] === 'signal' && textOf(data, 'signal') === name).length > 1;
}

/** Describes how the run ended, and by which signals. */
function tookText(
  { status, startedAt, outcome: { dismissed } = {} }: Execution,
  events: readonly ExecutionEvent[],
): string {
  if (dismissed) return 'dismissed; it was not started by progress, and no process was stopped';
  const signals = new Set(events.map(({ data }) => (data['action'] === 'signal' ? textOf(data, 'signal') : undefined)));
  if (startedAt === undefined) return `${status} before it started`;
  const first = POLITE.find((name) => signals.has(name));
  if (signals.has('SIGKILL')) {
    return first === undefined ? 'killed by SIGKILL' : `${first} did not end it, SIGKILL did`;
  }
  return first === undefined ? `${status} before it was stopped` : `stopped by ${first}`;
}
