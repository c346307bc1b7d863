/** Creates the specification of a run from a request and the environment of its requester. */
import { hostname } from 'node:os';
import { clip, clipAll, NAME_CHARS } from '../core/events/fields.js';
import type { EventData } from '../core/events/event.js';
import { isIdentifier } from '../core/events/identifier.js';
import { createId } from '../platform/ids.js';
import { ProgressError } from '../core/base/errors.js';
import type { Paths } from '../platform/paths.js';
import { terminalOf } from '../platform/processes.js';
import { FORMATS } from '../agents/formats.js';
import { AUTO, PLAIN } from '../formats/format-registry.js';
import type { RunSpec } from './store.js';

export interface RunRequest extends Partial<Omit<RunSpec, 'id' | 'argv' | 'parent' | 'parentStep' | 'env' | 'tty'>> {
  argv: readonly string[];
  /** Variables in addition to the environment. */
  env?: Readonly<Record<string, string>>;
}

/** Bounds of an event; see progress-events(7). */
const MAX_LABELS = 32;
const MAX_LABEL_CHARS = 320;
/** Maximum length of a command line in an event; the system allows megabytes. */
const ARGV_CHARS = 16 * 1024;

/** Creates a specification. @throws ProgressError `usage` for a command that can never run. */
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

/** Repeats a run in its original environment, as a child of the execution that requests it. */
export function repeatSpec(
  { id, env, after: _after, parent: _parent, parentStep: _step, tty: _tty, ...same }: RunSpec,
  asking: NodeJS.ProcessEnv,
  paths: Paths,
): RunSpec {
  const { PROGRESS_EXECUTION, PROGRESS_STEP } = asking;
  return createSpec({ ...same, env: {}, rerunOf: id }, { ...env, PROGRESS_EXECUTION, PROGRESS_STEP }, paths);
}

/** Agent that the format or the program implies. */
export function agentOf({ argv, format }: RunSpec): string | undefined {
  const known = format === undefined ? FORMATS.ofProgram(argv) : FORMATS.find(format);
  return known?.kind === 'stream' ? known.name : undefined;
}

/** Data of `execution_queued` and `execution_started`. */
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

/** Drops the step of an enclosing execution; a step that was set for this run stays. */
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
