/** Shows a run in the foreground as a box or as plain lines instead of its output. */
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from '../../../client/connect.js';
import type { JournalPosition } from '../../../client/follow.js';
import { loadConfig } from '../../../config/load.js';
import type { Execution } from '../../../core/execution.js';
import { isFinal } from '../../../core/execution.js';
import { emptyState } from '../../../core/state/state.js';
import { ProgressError } from '../../../core/base/errors.js';
import { onSignal } from '../../../platform/inherited.js';
import type { Output } from '../../../runner/command-output.js';
import type { Run } from '../../../runner/run.js';
import type { OutputStyle } from '../../../terminal/style.js';
import { summaryLines } from '../../../terminal/summary.js';
import type { CommandContext } from '../../command.js';
import { BoxSession } from '../../shared/box-session.js';
import type { LiveModel } from '../../shared/live-model.js';
import { openLiveModel } from '../../shared/live-model.js';
import { complain } from '../../shared/output.js';
import { columnsOf, lineOptionsOf, styleOf, withViewer } from '../../shared/output-options.js';
import { readFailureLog } from '../../shared/recent-log.js';
import { waitFor } from '../../shared/wait-for.js';
import { EventSelection } from '../watch/event-selection.js';
import type { LineChoice } from '../watch/line-choice.js';
import { printEvents } from '../watch/watch.js';

export interface RunFace {
  /** Resolves to the exit status when the run has ended. */
  show(run: Run, output: Output): Promise<number>;
  /** Whether Ctrl-C was read as a key, so that the terminal has sent no signal. */
  readonly isInterrupted: boolean;
}

/** Time for the end of the run to arrive from the daemon. */
const END_EVENT_MS = 5_000;
const FOOTER = 't full screen · q leave the box (keeps running) · Ctrl-C interrupt';

/** @returns undefined without a terminal for the box, or without a daemon; then the output is shown */
export async function openRunFace(
  face: 'lines' | 'box',
  id: string,
  context: CommandContext,
  lines?: LineChoice,
): Promise<RunFace | undefined> {
  const { paths, env } = context;
  const style = styleOf(env);
  if (face === 'box' && style.mode !== 'box') return undefined;
  const from = await positionNow(paths);
  if (!from) return undefined;
  let isInterrupted = false;
  const shown = { id, from, context, style, ...(lines && { lines }) };
  return {
    show: (run, output) =>
      face === 'box' ? showBox(run, output, shown, () => (isInterrupted = true)) : showLines(run, shown),
    get isInterrupted() {
      return isInterrupted;
    },
  };
}

async function positionNow(paths: CommandContext['paths']): Promise<JournalPosition | undefined> {
  try {
    const client = await connect({ paths, start: true });
    const { seq, journal } = await client.hello();
    await client.close();
    return { after: seq, journal };
  } catch (error) {
    complain(`cannot show the progress of the run, only its output: ${ProgressError.from(error).message}`);
    return undefined;
  }
}

interface Shown {
  id: string;
  /** Position before its first event. */
  from: JournalPosition;
  context: CommandContext;
  style: OutputStyle;
  lines?: LineChoice;
}

async function showLines(run: Run, { id, from, context, lines }: Shown): Promise<number> {
  const { paths, env } = context;
  const interrupt = () => run.signal('SIGINT', 'SIGINT to progress run');
  onSignal('SIGINT', interrupt);
  const abort = new AbortController();
  const printed = printEvents({
    paths,
    lines: { ...lineOptionsOf(env), ...lines?.form, isSingle: true },
    ...(lines && { filter: new EventSelection(lines.criteria, emptyState()) }),
    execution: id,
    resume: from,
    signal: abort.signal,
  });
  const status = await run.ended;
  await Promise.race([printed, delay(END_EVENT_MS, undefined, { ref: false })]);
  abort.abort();
  await printed;
  return status;
}

async function showBox(run: Run, output: Output, shown: Shown, onKey: () => void): Promise<number> {
  const { id, from, context, style } = shown;
  const { paths, env } = context;
  const interrupt = () => run.signal('SIGINT', 'Ctrl-C');
  const unlisten = onSignal('SIGINT', interrupt);
  const abort = new AbortController();
  const live = await openLiveModel({
    paths,
    execution: id,
    hasLog: true,
    from,
    restart: !env['PROGRESS_NO_DAEMON'],
    rate: loadConfig(paths.config).watch.rate,
    signal: abort.signal,
    onChange: () => box.changed(),
  });
  unlisten();
  const box = new BoxSession({
    context,
    style,
    execution: id,
    view: () => ({
      executions: live.executions(),
      connection: live.connection,
      now: Date.now(),
      detail: true,
      ...(live.log && { log: live.log }),
      footer: FOOTER,
    }),
    // the box takes Ctrl-C as a key and as a signal
    onInterrupt() {
      onKey();
      interrupt();
    },
    onStop: () => run.control({ run: '', action: 'pause', by: 'Ctrl-Z' }),
    onContinue: () => run.control({ run: '', action: 'resume', by: 'the shell' }),
  });
  // the box takes the signal itself, the full screen leaves it to the owner of the run
  const unlistenAgain = onSignal('SIGINT', () => {
    if (!box.isShown) interrupt();
  });
  const left = await box.show(run.ended);
  unlistenAgain();
  if (typeof left === 'string') {
    // the command continues in the foreground, without the box
    onSignal('SIGINT', interrupt);
    abort.abort();
    await box.close();
    run.show(output);
    return await run.ended;
  }
  const over = (): Execution | undefined => (isOver(live, id) ? live.find(id) : undefined);
  await waitFor(() => over() !== undefined, END_EVENT_MS);
  abort.abort();
  const execution = over();
  await box.close(
    execution
      ? summaryLines(execution, withViewer(style, paths), columnsOf(), await readFailureLog(paths, execution))
      : [],
  );
  await live.done;
  return left;
}

function isOver(live: LiveModel, id: string): boolean {
  const execution = live.find(id);
  return execution !== undefined && isFinal(execution.status);
}
