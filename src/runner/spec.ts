/** What a run is started with, out of what was asked for and the surroundings that it was asked in. */
import { hostname } from 'node:os';
import { clip, clipAll, NAME_CHARS } from '../core/fields.js';
import type { EventData } from '../core/event.js';
import { isIdentifier } from '../core/identifier.js';
import { createId } from '../platform/ids.js';
import { ProgressError } from '../core/errors.js';
import type { Paths } from '../platform/paths.js';
import { terminalOf } from '../platform/processes.js';
import { FORMATS } from '../agents/formats.js';
import { AUTO, PLAIN } from '../formats/format-registry.js';
import type { RunSpec } from './store.js';

export interface RunRequest extends Partial<Omit<RunSpec, 'id' | 'argv' | 'parent' | 'parentStep' | 'env' | 'tty'>> {
  argv: readonly string[];
  /** Besides the environment. */
  env?: Readonly<Record<string, string>>;
}

/** As many as are kept; see progress-events(7). */
const MAX_LABELS = 32;
const MAX_LABEL_CHARS = 320;
/** Of a command line, in the journal: a system takes megabytes of it, an event does not. */
const ARGV_CHARS = 16 * 1024;

/** Throws `usage` for what can never run. */
export function createSpec(wanted: RunRequest, env: NodeJS.ProcessEnv, paths: Paths): RunSpec {
  const [file, ...args] = wanted.argv;
  if (file === undefined) throw new ProgressError('usage', 'run needs a command: progress run -- make');
  const nul = wanted.argv.find((word) => word.includes('\0'));
  if (nul !== undefined) throw new ProgressError('usage', 'the command has a NUL in it');
  const { labels = {}, queue, agent } = wanted;
  const pairs = Object.entries(labels);
  if (pairs.length > MAX_LABELS) throw new ProgressError('usage', `more than ${MAX_LABELS} labels`);
  const long = pairs.find(([key, value]) => key.length + value.length >= MAX_LABEL_CHARS);
  if (long)
    throw new ProgressError('usage', `label ${long[0].slice(0, MAX_LABEL_CHARS)}: longer than ${MAX_LABEL_CHARS}`);
  for (const [what, name] of Object.entries({ queue, agent })) {
    if (name !== undefined && !isIdentifier(name))
      throw new ProgressError('usage', `${what}: ${JSON.stringify(name)} is no name`);
  }
  if (wanted.format !== undefined && wanted.format !== AUTO && wanted.format !== PLAIN) FORMATS.named(wanted.format);
  const { PROGRESS_EXECUTION: parent, PROGRESS_STEP: parentStep } = env;
  const id = createId();
  const tty = terminalOf(process.pid);
  return {
    ...wanted,
    id,
    argv: [file, ...args],
    cwd: wanted.cwd ?? process.cwd(),
    pty: wanted.pty ?? false,
    env: { ...childEnvironment(env, id, paths), ...wanted.env },
    ...(parent && { parent, ...(parentStep && { parentStep }) }),
    ...(tty !== undefined && { tty }),
  };
}

/** The same once more, asked for somewhere else: in the environment that it had, as a part of what asks for it now. */
export function repeatSpec(
  { id, env, after: _after, parent: _parent, parentStep: _step, tty: _tty, ...same }: RunSpec,
  asking: NodeJS.ProcessEnv,
  paths: Paths,
): RunSpec {
  const { PROGRESS_EXECUTION, PROGRESS_STEP } = asking;
  return createSpec({ ...same, env: {}, rerunOf: id }, { ...env, PROGRESS_EXECUTION, PROGRESS_STEP }, paths);
}

/** Known by the format that it was told to speak. */
export function agentOf({ argv, format }: RunSpec): string | undefined {
  const known = format === undefined ? FORMATS.ofProgram(argv) : FORMATS.find(format);
  return known?.kind === 'stream' ? known.name : undefined;
}

/** What a queueing and a start tell. */
export function describe(spec: RunSpec): EventData {
  const { argv, name, cwd, tty, labels, parent, parentStep, queue, after, rerunOf } = spec;
  const agent = spec.agent ?? agentOf(spec);
  const given = { tty, labels, agent, parent, parentStep, queue, after, rerunOf };
  return {
    kind: agent === undefined ? 'run' : 'agent',
    argv: clipAll(argv, ARGV_CHARS),
    cwd,
    host: hostname(),
    ...(name !== undefined && { name: clip(name, NAME_CHARS) }),
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  };
}

/** The step is one of the execution around, if there is one; where somebody has set it for this run, it stays. */
function childEnvironment(env: NodeJS.ProcessEnv, id: string, paths: Paths): Record<string, string> {
  const { PROGRESS_STEP: step, ...rest } = env;
  const given = Object.entries(rest).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return {
    ...Object.fromEntries(given),
    ...(step !== undefined && !env['PROGRESS_EXECUTION'] && { PROGRESS_STEP: step }),
    PROGRESS_EXECUTION: id,
    PROGRESS_SOCKET: paths.inherited ?? paths.socket,
  };
}
