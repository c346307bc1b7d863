/** Checks the daemon: its lock, its socket and its status. */
import { constants, existsSync, readdirSync, statSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { userInfo } from 'node:os';
import path from 'node:path';
import { connect } from '../../../client/connect.js';
import { formatDuration } from '../../../core/text/format.js';
import { ProgressError } from '../../../core/base/errors.js';
import type { Paths } from '../../../platform/paths.js';
import { readLockRecord } from '../../../protocol/lock-record.js';
import type { DaemonStatus } from '../../../api/messages.js';
import { VERSION } from '../../../core/base/version.js';
import type { Check } from './checks.js';
import { lookAt, modeText, moveAway, ok, problem, quote, warning, whyRefused } from './checks.js';

export interface DaemonReport {
  status?: DaemonStatus;
  /** Why there is no status: no daemon, no answer in time, or its error. */
  failure?: ProgressError | 'silent';
  /** PID of the process that probably holds the lock. */
  holder?: number;
}

/** A daemon answers within milliseconds, on a busy machine within a second. */
const ANSWER_MS = 3_000;

export async function askDaemon(paths: Paths): Promise<DaemonReport> {
  const pid = readLockRecord(paths.lock)?.pid;
  const holder = pid !== undefined && holds(pid, paths.lock) && { holder: pid };
  const signal = AbortSignal.timeout(ANSWER_MS);
  let refusal: ProgressError | undefined;
  try {
    const client = await connect({ paths, start: false, signal, onError: (error) => (refusal = error) });
    const status = await client.call('status', {});
    await client.close();
    return { status, ...holder };
  } catch (error) {
    return { failure: signal.aborted ? 'silent' : (refusal ?? ProgressError.from(error)), ...holder };
  }
}

/** Whether a process has the file open; where that cannot be read, whether it exists. */
function holds(pid: number, file: string): boolean {
  try {
    process.kill(pid, 0);
    if (!existsSync('/proc/self/fd')) return true;
    const locked = statSync(file);
    const descriptors = `/proc/${pid}/fd`;
    return readdirSync(descriptors).some((fd) => isFile(path.join(descriptors, fd), locked));
  } catch {
    return false; // no such process, or one of another user
  }
}

function isFile(link: string, { ino, dev }: Stats): boolean {
  try {
    const open = statSync(link);
    return open.ino === ino && open.dev === dev;
  } catch {
    return false; // closed meanwhile
  }
}

export function checkLock({ lock }: Paths, { status, holder }: DaemonReport): Check {
  const name = 'lock';
  const stat = lookAt(lock);
  if (typeof stat === 'string') return { name, ...problem(`${lock}: ${stat}`, 'repair the state directory first') };
  if (stat === undefined) return { name, ...ok(`${lock} does not exist yet: no daemon has run`) };
  if (!stat.isFile()) return { name, ...problem(`${lock} is not a file`, moveAway(lock)) };
  const refusal = whyRefused(lock, constants.R_OK | constants.W_OK);
  if (refusal !== undefined)
    return { name, ...problem(`${lock} cannot be opened (${refusal})`, `chmod 600 ${quote(lock)}`) };
  const pid = status?.pid ?? holder;
  if (pid !== undefined) return { name, ...ok(`${lock}, held by pid ${pid}`) };
  const last = readLockRecord(lock);
  return { name, ...ok(`${lock} is free${last ? `: pid ${last.pid}, its last holder, has ended` : ''}`) };
}

export function checkSocket(paths: Paths, { status, failure, holder }: DaemonReport): Check {
  const name = 'socket';
  const socket = status?.socket ?? paths.socket;
  const stat = lookAt(socket);
  if (typeof stat === 'string') return { name, ...problem(`${socket}: ${stat}`, 'repair the runtime directory first') };
  if (stat === undefined) return { name, ...ok(`${socket} does not exist: no daemon listens`) };
  if (!stat.isSocket()) {
    return { name, ...problem(`${socket} is not a socket: no daemon can listen there`, moveAway(socket)) };
  }
  if (stat.uid !== userInfo().uid) {
    return { name, ...problem(`${socket} belongs to user ${stat.uid}`, `remove it: rm ${quote(socket)}`) };
  }
  if ((stat.mode & 0o077) !== 0) {
    return { name, ...warning(`${socket} has mode ${modeText(stat.mode)}`, `chmod 600 ${quote(socket)}`) };
  }
  if (failure instanceof ProgressError && isAbsent(failure) && holder === undefined) {
    const advice = 'nothing to do; the next daemon replaces it';
    return { name, ...warning(`${socket} is left from a daemon that was killed`, advice) };
  }
  return { name, ...ok(`${socket}, mode ${modeText(stat.mode)}`) };
}

export function checkDaemon({ socket }: Paths, { status, failure, holder }: DaemonReport): Check {
  const name = 'daemon';
  const restart = 'run `progress daemon restart`; runs continue';
  if (status && status.version !== VERSION) {
    return { name, ...warning(`pid ${status.pid} is version ${status.version}, this command is ${VERSION}`, restart) };
  }
  if (status) {
    const age = formatDuration(Date.now() - Date.parse(status.startedAt));
    return { name, ...ok(`pid ${status.pid}, version ${status.version}, runs for ${age}`) };
  }
  if (failure === 'silent') {
    const who = holder === undefined ? 'the listening process' : `pid ${holder}`;
    return { name, ...problem(`${who} does not answer within ${ANSWER_MS / 1_000} s`, endAdvice(holder)) };
  }
  if (failure && !isAbsent(failure)) return { name, ...problem(failure.message, restart) };
  if (holder === undefined) return { name, ...ok('not running; the first command that needs it starts it') };
  return { name, ...problem(`pid ${holder} holds the lock, but no process listens on ${socket}`, endAdvice(holder)) };
}

/** Whether no process listens, as opposed to a failed conversation. */
function isAbsent({ code, cause }: ProgressError): boolean {
  return code === 'unavailable' && cause === undefined;
}

function endAdvice(pid: number | undefined): string {
  const who = pid === undefined ? 'that process' : `it: kill -9 ${pid}`;
  return `unless it has just been started, end ${who}; acknowledged events are safe`;
}
