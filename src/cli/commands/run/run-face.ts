/** What is drawn of a run in the foreground, instead of its output: the box, or plain lines. */
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from '../../../client/connect.js';
import type { JournalPosition } from '../../../client/follow.js';
import { loadConfig } from '../../../config/load.js';
import type { Execution } from '../../../core/execution.js';
import { isFinal } from '../../../core/execution.js';
import { ProgressError } from '../../../core/errors.js';
import { onSignal } from '../../../platform/inherited.js';
import type { Output } from '../../../runner/command-output.js';
import type { Run } from '../../../runner/run.js';
import { openBox } from '../../../terminal/box.js';
import type { OutputStyle } from '../../../terminal/style.js';
import { summaryLines } from '../../../terminal/summary.js';
import type { Context } from '../../command.js';
import type { LiveModel } from '../../shared/live-model.js';
import { openLiveModel } from '../../shared/live-model.js';
import { complain } from '../../shared/output.js';
import { columnsOf, styleOf } from '../../shared/output-options.js';
import { waitFor } from '../../shared/wait-for.js';
import { printEvents } from '../watch/watch.js';

export interface RunFace {
  /** Until the run ends; returns its exit status. */
  show(run: Run, output: Output): Promise<number>;
  /** Was Ctrl-C typed as a key, so that the terminal has signalled nothing? */
  readonly isInterrupted: boolean;
}

/** For a face to hear of the end, after the daemon has. */
const LAST_WORDS_MS = 5_000;
const FOOTER = 'q leave the box (keeps running) · Ctrl-C interrupt';

/** Undefined where there is nothing to draw on, or nobody to tell what to draw: then the output is shown. */
export async function openRunFace(
  face: 'lines' | 'box',
  id: string,
  { paths, env }: Context,
): Promise<RunFace | undefined> {
  const style = styleOf(env);
  if (face === 'box' && style.mode !== 'box') return undefined;
  const from = await positionNow(paths);
  if (!from) return undefined;
  let isInterrupted = false;
  const shown = { id, from, paths, style };
  return {
    show: (run, output) =>
      face === 'box' ? showBox(run, output, shown, () => (isInterrupted = true)) : showLines(run, shown),
    get isInterrupted() {
      return isInterrupted;
    },
  };
}

async function positionNow(paths: Context['paths']): Promise<JournalPosition | undefined> {
  try {
    const client = await connect({ paths, start: true });
    const { seq, journal } = await client.hello();
    await client.close();
    return { after: seq, journal };
  } catch (error) {
    complain(`its output alone is shown: ${ProgressError.from(error).message}`);
    return undefined;
  }
}

interface Shown {
  id: string;
  /** A position before its first event. */
  from: JournalPosition;
  paths: Context['paths'];
  style: OutputStyle;
}

async function showLines(run: Run, { id, from, paths, style }: Shown): Promise<number> {
  const interrupt = () => run.signal('SIGINT', 'SIGINT to progress run');
  onSignal('SIGINT', interrupt);
  const abort = new AbortController();
  const printed = printEvents({ paths, style, execution: id, resume: from, signal: abort.signal });
  const status = await run.ended;
  await Promise.race([printed, delay(LAST_WORDS_MS, undefined, { ref: false })]);
  abort.abort();
  await printed;
  return status;
}

async function showBox(
  run: Run,
  output: Output,
  { id, from, paths, style }: Shown,
  onKey: () => void,
): Promise<number> {
  const interrupt = () => run.signal('SIGINT', 'Ctrl-C');
  const unlisten = onSignal('SIGINT', interrupt);
  const abort = new AbortController();
  const live = await openLiveModel({
    paths,
    execution: id,
    from,
    rate: loadConfig(paths.config).watch.rate,
    signal: abort.signal,
    onChange: () => box.changed(),
  });
  // the box hears of it as a key and as a signal
  unlisten();
  const box = openBox({
    input: process.stdin,
    output: process.stdout,
    style,
    view: () => ({
      executions: live.executions(),
      connection: live.connection,
      now: Date.now(),
      detail: true,
      footer: FOOTER,
    }),
    onInterrupt() {
      onKey();
      interrupt();
    },
  });
  const left = await Promise.race([box.left, run.ended]);
  if (typeof left === 'string') {
    // the command goes on, in the foreground and without the box
    onSignal('SIGINT', interrupt);
    abort.abort();
    await box.close();
    run.show(output);
    return await run.ended;
  }
  const over = (): Execution | undefined => (isOver(live, id) ? live.find(id) : undefined);
  await waitFor(() => over() !== undefined, LAST_WORDS_MS);
  abort.abort();
  const execution = over();
  await box.close(execution ? summaryLines(execution, style, columnsOf()) : []);
  await live.done;
  return left;
}

function isOver(live: LiveModel, id: string): boolean {
  const execution = live.find(id);
  return execution !== undefined && isFinal(execution.status);
}
