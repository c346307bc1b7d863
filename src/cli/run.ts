/** `progress run`: a command as an execution, in the foreground. */
import { connect } from '../client/connect.js';
import type { Position } from '../client/follow.js';
import { createId } from '../client/ids.js';
import type { Producer } from '../client/producer.js';
import { createProducer } from '../client/producer.js';
import { loadConfig } from '../config.js';
import { isFinal } from '../core/execution.js';
import { ProgressError } from '../errors.js';
import type { Run } from '../runner/run.js';
import { startRun } from '../runner/run.js';
import { openBox } from '../terminal/box.js';
import type { OutputStyle } from '../terminal/style.js';
import { summaryLines } from '../terminal/summary.js';
import { waitFor } from './until.js';
import { defineCommand } from './command.js';
import type { Context } from './command.js';
import type { Live } from './live.js';
import { openLive } from './live.js';
import { complain } from './output.js';
import { columnsOf, styleOf } from './surface.js';

/** For the daemon to take what is left when the command has ended, or to be started for it. */
const FLUSH_MS = 10_000;
/** For the box to hear of the end, after the daemon has. */
const LAST_FRAME_MS = 2_000;
/** As many as are kept; see progress-events(7). */
const MAX_LABELS = 32;
const MAX_LABEL_CHARS = 320;
const FOOTER = 'q leave the box (keeps running) · Ctrl-C interrupt';
const FORWARDED = ['SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;
const OUTPUT = { stdout: process.stdout, stderr: process.stderr };

export const command = defineCommand({
  usage: 'run',
  describe: 'Run a command and record it: run [options] -- command args',
  options: (yargs) =>
    yargs
      .option('name', { type: 'string', requiresArg: true, describe: 'What to call it' })
      .option('label', { type: 'string', array: true, nargs: 1, describe: 'key=value, as often as needed' })
      .option('stream', { type: 'boolean', describe: 'Draw the box instead of passing output through' }),
  async run({ name, label = [], stream = false }, context) {
    const [file, ...args] = context.rest;
    if (file === undefined) throw new ProgressError('usage', 'run needs a command: progress run -- make');
    const { paths, env } = context;
    const id = createId();
    const style = styleOf(env);
    const inBox = stream && style.mode === 'box';
    const labels = parseLabels(label);
    const before = inBox ? await positionNow(paths) : undefined;

    const producer = createProducer({ paths, source: `run-${id}`, onRoom: () => run.resume() });
    const run = startRun({
      id,
      argv: [file, ...args],
      name,
      ...(label.length > 0 && { labels }),
      parent: env['PROGRESS_EXECUTION'],
      env: childEnvironment(env, id, paths.inherited ?? paths.socket),
      apart: before !== undefined,
      ...(before === undefined && { output: OUTPUT }),
      emit(event) {
        producer.emit(event);
        if (producer.full) run.pause();
      },
    });
    forwardSignals(run);
    const status =
      before === undefined ? await runPlain(run) : await runInBox(context, style, id, before, run, producer);
    const unwritten = await producer.flush(FLUSH_MS);
    await producer.close();
    if (unwritten > 0) complain(`${unwritten} events of this run could not be recorded: progress doctor may tell why`);
    return status;
  },
});

/** Undefined without a daemon: then there is nothing that could be drawn. */
async function positionNow(paths: Context['paths']): Promise<Position | undefined> {
  try {
    const client = await connect({ paths, start: true });
    const { seq, journal } = await client.hello();
    await client.close();
    return { after: seq, journal };
  } catch (error) {
    complain(`no box: ${ProgressError.from(error).message}`);
    return undefined;
  }
}

function parseLabels(labels: readonly string[]): Record<string, string> {
  const pairs = labels.map((label) => {
    const at = label.indexOf('=');
    if (at < 1) throw new ProgressError('usage', `--label: "${label}" is not key=value`);
    if (label.length > MAX_LABEL_CHARS) throw new ProgressError('usage', `--label: longer than ${MAX_LABEL_CHARS}`);
    return [label.slice(0, at), label.slice(at + 1)];
  });
  if (pairs.length > MAX_LABELS) throw new ProgressError('usage', `--label: more than ${MAX_LABELS}`);
  return Object.fromEntries(pairs) as Record<string, string>;
}

function childEnvironment(env: NodeJS.ProcessEnv, id: string, socket: string): NodeJS.ProcessEnv {
  const { PROGRESS_STEP: _step, ...rest } = env;
  return { ...rest, PROGRESS_EXECUTION: id, PROGRESS_SOCKET: socket };
}

function forwardSignals(run: Run): void {
  for (const signal of FORWARDED) process.on(signal, () => run.signal(signal));
}

/** At a terminal Ctrl-C goes to the whole foreground group, the command too; without one SIGINT was sent to us alone. */
async function runPlain(run: Run): Promise<number> {
  const isAtTerminal = [process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY);
  process.on('SIGINT', () => (isAtTerminal ? run.expect('SIGINT') : run.signal('SIGINT')));
  return await run.ended;
}

async function runInBox(
  { paths }: Context,
  style: OutputStyle,
  id: string,
  from: Position,
  run: Run,
  producer: Producer,
): Promise<number> {
  const interrupt = () => run.signal('SIGINT');
  process.on('SIGINT', interrupt);
  const abort = new AbortController();
  const live = await openLive({
    paths,
    execution: id,
    from,
    rate: loadConfig(paths.config).watch.rate,
    signal: abort.signal,
    onChange: () => box.changed(),
  });
  // the box hears of it as a key and as a signal
  process.off('SIGINT', interrupt);
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
    onInterrupt: interrupt,
  });
  const left = await Promise.race([box.left, run.ended]);
  if (typeof left === 'string') {
    // the command goes on, in the foreground and without the box
    process.on('SIGINT', interrupt);
    abort.abort();
    box.close();
    run.show(OUTPUT);
    return await run.ended;
  }
  await producer.flush(FLUSH_MS);
  await waitFor(() => isOver(live, id), LAST_FRAME_MS);
  abort.abort();
  const execution = live.find(id);
  box.close(execution && isOver(live, id) ? summaryLines(execution, style, columnsOf()) : []);
  await live.done;
  return left;
}

function isOver(live: Live, id: string): boolean {
  const execution = live.find(id);
  return execution !== undefined && isFinal(execution.status);
}
