/** `progress run`: a command as an execution, in the foreground or on its own, at once or in its turn. */
import path from 'node:path';
import type { Argv } from 'yargs';
import { DURATION_UNITS, parseQuantity } from '../../../core/quantity.js';
import { ProgressError } from '../../../core/errors.js';
import { announce } from '../../../client/announce.js';
import { startDetached } from '../../../runner/start-detached.js';
import type { RunRequest } from '../../../runner/spec.js';
import { createSpec } from '../../../runner/spec.js';
import type { RunSpec } from '../../../runner/store.js';
import { defineCommand } from '../../command.js';
import type { Context } from '../../command.js';
import type { Face, RunView } from './foreground.js';
import { runInForeground } from './foreground.js';
import { printLines } from '../../shared/output.js';
import { parsePairs } from '../../shared/option-values.js';

export const command = defineCommand({
  usage: 'run',
  describe: 'Run a command and record it: run [options] -- command args',
  options: (yargs) =>
    withFaces(yargs)
      .option('name', { type: 'string', requiresArg: true, describe: 'What to call it' })
      .option('label', { type: 'string', array: true, nargs: 1, describe: 'key=value, as often as needed' })
      .option('agent', { type: 'string', requiresArg: true, describe: 'The agent that it is' })
      .option('cwd', { type: 'string', requiresArg: true, describe: 'Run it in this directory' })
      .option('env', { type: 'string', array: true, nargs: 1, describe: 'NAME=value, besides the environment' })
      .option('timeout', { type: 'string', requiresArg: true, describe: 'Stop it after 30s, 10m, 2h...' })
      .option('queue', { type: 'string', requiresArg: true, describe: 'Wait for a slot of this queue' })
      .option('after', { type: 'string', array: true, nargs: 1, describe: 'Wait until this run has completed' })
      .option('format', { type: 'string', requiresArg: true, describe: 'What it prints; list shows what there is' })
      .option('raw', { type: 'boolean', describe: 'Show the JSON of an agent as it is' })
      .option('stdin', { type: 'boolean', describe: 'With --detach: keep its standard input open for send and attach' })
      .option('pty', { type: 'boolean', describe: 'Give it a terminal, whatever ours is' })
      .option('no-pty', { type: 'boolean', describe: 'Give it pipes, even at a terminal' }),
  async run(args, context) {
    const { name, agent, cwd, queue, format } = args;
    if (format === 'list') return await listFormats();
    if (args.pty && args['no-pty']) throw new ProgressError('usage', '--pty and --no-pty: choose one');
    if (args.stdin && !args.detach)
      throw new ProgressError(
        'usage',
        '--stdin needs --detach: in the foreground the command has the input of progress',
      );
    const { label, env, timeout, after } = args;
    const wanted: RunRequest = {
      argv: context.rest,
      ...given({ name, agent, queue, format }),
      ...(cwd !== undefined && { cwd: path.resolve(cwd) }),
      ...(label && { labels: parsePairs('label', label) }),
      ...(env && { env: parsePairs('env', env) }),
      ...(timeout !== undefined && { timeoutMs: parseTimeout(timeout) }),
      ...(after && { after: await findAll(context, after) }),
      pty: args.pty ?? false,
      ...(args.stdin && { input: true as const }),
    };
    const { 'no-pty': noPty = false, raw = false } = args;
    return await start(createSpec(wanted, context.env, context.paths), { face: faceOf(args), noPty, raw }, context);
  },
});

/** How it is seen; `rerun` has the same. */
export function withFaces<T>(yargs: Argv<T>) {
  return yargs
    .option('detach', { alias: 'd', type: 'boolean', describe: 'Print its id, and leave it to itself' })
    .option('follow', { type: 'boolean', describe: 'Print its progress and output as plain lines' })
    .option('stream', { type: 'boolean', describe: 'Draw the box instead of passing output through' });
}

export function faceOf(flags: Partial<Record<'detach' | 'follow' | 'stream', boolean | undefined>>): Face {
  const { detach, follow, stream } = flags;
  if ([detach, follow, stream].filter(Boolean).length > 1) {
    throw new ProgressError('usage', '--detach, --follow, --stream: choose one');
  }
  return detach ? 'none' : follow ? 'lines' : stream ? 'box' : 'output';
}

/** Returns the exit status: that of the run, or 0 when it was left to itself. */
export async function start(spec: RunSpec, look: RunView, context: Context): Promise<number> {
  if (look.face !== 'none') return await runInForeground(spec, look, context);
  await startDetached(context.paths, spec, (event) => announce(context.paths, event));
  await printLines([spec.id]);
  return 0;
}

async function listFormats(): Promise<number> {
  const { FORMATS } = await import('../../../agents/formats.js');
  const cells = Math.max(...FORMATS.choices.map(({ name }) => name.length));
  await printLines(FORMATS.choices.map(({ name, describe }) => `${name.padEnd(cells)}  ${describe}`));
  return 0;
}

async function findAll({ paths }: Context, texts: readonly string[]): Promise<string[]> {
  const { findAnywhere } = await import('../../shared/offline.js');
  return await Promise.all(texts.map(async (text) => (await findAnywhere(paths, text)).id));
}

function given<T extends Record<string, unknown>>(values: T): { [K in keyof T]?: NonNullable<T[K]> } {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: NonNullable<T[K]> };
}

function parseTimeout(text: string): number {
  const timeout = parseQuantity(text, DURATION_UNITS);
  if (timeout !== undefined && timeout > 0) return timeout;
  throw new ProgressError('usage', `--timeout: "${text}" is no duration such as 30s, 10m or 2h`);
}
