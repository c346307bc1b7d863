/** `progress run`: runs a command as an execution, in the foreground, in the background or in a queue. */
import path from 'node:path';
import { ProgressError } from '../../../core/base/errors.js';
import { announce } from '../../../client/announce.js';
import { startDetached } from '../../../runner/start-detached.js';
import type { RunRequest } from '../../../runner/spec.js';
import { createSpec } from '../../../runner/spec.js';
import type { RunSpec } from '../../../runner/store.js';
import { defineCommand } from '../../command.js';
import type { CommandContext } from '../../command.js';
import type { OptionTable, OptionValues } from '../../options.js';
import { FOLLOW_OPTIONS } from '../../shared/event-options.js';
import type { Face, RunView } from './foreground.js';
import { runInForeground } from './foreground.js';
import { printLines } from '../../shared/output.js';
import { parseDuration, parsePairs } from '../../shared/option-values.js';

/** Options for what the terminal shows, of `run` and `rerun`. */
export const FACES = {
  detach: { type: 'boolean', alias: 'd', describe: 'Run in the background and print the ID' },
  follow: { type: 'boolean', describe: 'Print progress and output as plain lines' },
  stream: { type: 'boolean', describe: 'Draw a box in place instead of passing output through' },
  ...FOLLOW_OPTIONS,
} as const satisfies OptionTable;

export const command = defineCommand({
  verb: 'run',
  describe: 'Run a command and record it',
  // for --help only: these words never reach the parser
  positionals: { command: { many: true, describe: 'Command with its arguments, after -- if it starts with a dash' } },
  options: {
    ...FACES,
    name: { type: 'string', value: 'name', describe: 'Set the name (default: the command line)' },
    label: { type: 'list', value: 'key=value', describe: 'Add a label, key=value' },
    agent: { type: 'string', value: 'name', describe: 'Record the command as this coding agent' },
    cwd: { type: 'string', value: 'directory', describe: 'Run the command in this directory' },
    env: { type: 'list', value: 'name=value', describe: 'Set an environment variable of the command, NAME=value' },
    timeout: { type: 'string', value: 'duration', describe: 'Stop the command after this time: 30s, 10m, 2h' },
    queue: { type: 'string', value: 'name', describe: 'Wait for a slot of this queue' },
    after: { type: 'list', value: 'id', describe: 'Wait until this execution has completed' },
    format: { type: 'string', value: 'name', describe: "Set the output format to parse; 'list' shows the choices" },
    raw: { type: 'boolean', describe: 'Print the JSON of an agent unchanged' },
    pty: { type: 'boolean', describe: 'Allocate a pseudo-terminal' },
    'no-pty': { type: 'boolean', describe: 'Use pipes, even at a terminal' },
    stdin: { type: 'boolean', describe: 'With --detach: keep standard input open for send and attach' },
  },
  async run(args, context) {
    const { name, agent, cwd, queue, format } = args;
    if (format === 'list') return await listFormats();
    if (args.pty && args['no-pty']) throw new ProgressError('usage', '--pty and --no-pty exclude each other');
    if (args.stdin && !args.detach)
      throw new ProgressError(
        'usage',
        '--stdin needs --detach; in the foreground the command has the input of progress',
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
    return await start(
      createSpec(wanted, context.env, context.paths),
      { ...(await viewOf(args)), noPty, raw },
      context,
    );
  },
});

/** Reads `FACES`. */
export async function viewOf(flags: OptionValues<typeof FACES>): Promise<Pick<RunView, 'face' | 'lines'>> {
  const face = faceOf(flags);
  const chosen = Object.keys(FOLLOW_OPTIONS).some((name) => flags[name as keyof typeof FOLLOW_OPTIONS] !== undefined);
  if (!chosen) return { face };
  if (face !== 'lines') throw new ProgressError('usage', '--grep, -i, --type, --level, -v and --utc need --follow');
  const { lineChoiceOf } = await import('../watch/line-choice.js');
  return { face, lines: lineChoiceOf(flags, Date.now()) };
}

function faceOf({ detach, follow, stream }: OptionValues<typeof FACES>): Face {
  if ([detach, follow, stream].filter(Boolean).length > 1) {
    throw new ProgressError('usage', '--detach, --follow and --stream exclude each other');
  }
  return detach ? 'none' : follow ? 'lines' : stream ? 'box' : 'output';
}

/** @returns the exit status of the run, or 0 for a detached run */
export async function start(spec: RunSpec, look: RunView, context: CommandContext): Promise<number> {
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

async function findAll({ paths }: CommandContext, texts: readonly string[]): Promise<string[]> {
  const { findAnywhere } = await import('../../shared/offline.js');
  return await Promise.all(texts.map(async (text) => (await findAnywhere(paths, text)).id));
}

function given<T extends Record<string, unknown>>(values: T): { [K in keyof T]?: NonNullable<T[K]> } {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: NonNullable<T[K]> };
}

function parseTimeout(text: string): number {
  const timeout = parseDuration('timeout', text);
  if (timeout > 0) return timeout;
  throw new ProgressError('usage', '--timeout: must be longer than 0');
}
