/**
 * Directory of a run, `runs/ID`: `spec.json` holds what it needs to start, with its environment, and `runner.json` the
 * identity of its runner. Both are private to the user and kept as long as the history of the run.
 */
import { existsSync, linkSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { errnoOf, ProgressError } from '../core/base/errors.js';
import { makeOwnDirectory } from '../platform/own-directory.js';
import type { Paths } from '../platform/paths.js';
import type { ProcessIdentity } from '../platform/processes.js';
import { isAlive } from '../platform/processes.js';
import { cannotWrite, readTextSync, replaceTextSync } from '../platform/regular-file.js';
import { SPOOL_SUFFIX } from '../spool/names.js';

export interface RunSpec {
  id: string;
  argv: [string, ...string[]];
  cwd: string;
  /** Complete environment of the command. */
  env: Record<string, string>;
  name?: string;
  labels?: Record<string, string>;
  agent?: string;
  /** Execution in which the run was requested, and its step. */
  parent?: string;
  parentStep?: string;
  queue?: string;
  /** The run is in the background. */
  detached?: true;
  /** Keep standard input open for clients; only in the background. */
  input?: true;
  /** IDs of runs that must have completed before. */
  after?: string[];
  /** The run that this one repeats. */
  rerunOf?: string;
  /** Allocate a pseudo-terminal. */
  pty: boolean;
  /** Terminal of the requester. */
  tty?: string;
  /** Name of the output format. @default recognised */
  format?: string;
  /** Milliseconds after which the run is stopped. */
  timeoutMs?: number;
}

export interface RunRecord {
  runner: ProcessIdentity;
  /** Source of its events. */
  source: string;
  /** Process of the command; its PID is also that of its group and session. */
  child?: ProcessIdentity;
}

type Where = Pick<Paths, 'runs'>;

/** IDs of runs. Those of other executions must not lead to a path. */
const RUN_ID = /^[a-z0-9]{1,64}$/;

function fileOf({ runs }: Where, id: string, name: string): string {
  if (!RUN_ID.test(id)) throw new ProgressError('not_found', `${id} is no run`);
  return path.join(runs, id, name);
}

/** Private directory of a run. */
export function directoryOf(where: Where, id: string): string {
  return path.dirname(fileOf(where, id, 'spec.json'));
}

export function writeSpec(where: Where, spec: RunSpec): void {
  const file = fileOf(where, spec.id, 'spec.json');
  try {
    makeOwnDirectory(path.dirname(file));
    replaceTextSync(file, JSON.stringify(spec));
  } catch (error) {
    throw cannotWrite(file, error);
  }
}

/** Reads a specification. @throws ProgressError `not_found` if there is none. */
export function readSpec(where: Where, id: string): RunSpec {
  const spec = read(fileOf(where, id, 'spec.json')) as RunSpec | undefined;
  if (!spec)
    throw new ProgressError(
      'not_found',
      `the command of ${id} is not recorded: it is not a run, or was removed by age`,
    );
  return spec;
}

export function hasSpec(where: Where, id: string): boolean {
  return RUN_ID.test(id) && existsSync(fileOf(where, id, 'spec.json'));
}

/** Claims a run. @returns False if another runner has claimed it, now or before: nothing may be started then. */
export function claimRun(where: Where, id: string, record: RunRecord): boolean {
  const file = fileOf(where, id, 'runner.json');
  const draft = `${file}.${record.runner.pid}`;
  rmSync(draft, { force: true });
  writeFileSync(draft, JSON.stringify(record), { mode: 0o600, flag: 'wx' });
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

export function updateRecord(where: Where, id: string, record: RunRecord): void {
  replaceTextSync(fileOf(where, id, 'runner.json'), JSON.stringify(record));
}

/** Reads the record of a runner; undefined if there is none, or it is damaged. */
export function readRecord(where: Where, id: string): RunRecord | undefined {
  const record = read(fileOf(where, id, 'runner.json')) as Partial<RunRecord> | null | undefined;
  if (!record || typeof record.source !== 'string' || !isIdentity(record.runner)) return undefined;
  if (record.child !== undefined && !isIdentity(record.child)) return undefined;
  return record as RunRecord;
}

function isIdentity(value: Partial<ProcessIdentity> | null | undefined): value is ProcessIdentity {
  return [value?.pid, value?.start].every(Number.isSafeInteger) && typeof value?.boot === 'string';
}

function read(file: string): unknown {
  const text = readTextSync(file);
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Returns IDs of runs that were requested before `time` (Unix milliseconds). */
export function runsBefore({ runs }: Where, time: number): string[] {
  return list(runs).filter((id) => {
    const spec = statSync(path.join(runs, id, 'spec.json'), { throwIfNoEntry: false });
    return (spec ?? statSync(path.join(runs, id))).mtimeMs < time;
  });
}

export function removeRun({ runs }: Where, id: string): void {
  rmSync(path.join(runs, id), { recursive: true, force: true });
}

/** Removes the files of an ended run, including its spool file. */
export function eraseRun(where: Pick<Paths, 'runs' | 'spool'>, id: string): void {
  if (!RUN_ID.test(id)) return;
  const record = readRecord(where, id);
  // a runner that is just ending may still write to it
  if (record && !isAlive(record.runner)) rmSync(path.join(where.spool, record.source + SPOOL_SUFFIX), { force: true });
  removeRun(where, id);
}

function list(directory: string): string[] {
  try {
    return readdirSync(directory).filter((name) => RUN_ID.test(name));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}
