/** Checks of programs, directories, configuration, journal and disk. They only read. */
import { accessSync, constants, existsSync, lstatSync, readdirSync, statfsSync, statSync } from 'node:fs';
import { userInfo } from 'node:os';
import path from 'node:path';
import { formatBytes } from '../../../core/text/format.js';
import { errnoOf, ProgressError } from '../../../core/base/errors.js';
import { QUARANTINE } from '../../../journal/layout.js';
import { FORMAT_VERSION, readManifest } from '../../../journal/manifest.js';
import { findUnreadable } from '../../../journal/source.js';
import { nearestExisting, whyNotOwn } from '../../../platform/own-directory.js';
import type { Paths } from '../../../platform/paths.js';
import { findInPath } from '../../../platform/paths.js';
import type { DaemonStatus, JournalStatus } from '../../../api/messages.js';
import { VERSION } from '../../../core/base/version.js';
import { whyNoPty } from '../../../runner/pty.js';
import { findExhaustedLimit } from '../../../tailing/watch-limits.js';
import { findProblems } from '../config.js';

export interface Check {
  name: string;
  state: 'ok' | 'warning' | 'problem';
  message: string;
  advice?: string;
}

export type Finding = Omit<Check, 'name'>;

export function ok(message: string): Finding {
  return { state: 'ok', message };
}

export function warning(message: string, advice: string): Finding {
  return { state: 'warning', message, advice };
}

export function problem(message: string, advice: string): Finding {
  return { state: 'problem', message, advice };
}

export function checkCommand(): Check {
  return { name: 'progress', ...ok(`version ${VERSION}`) };
}

/** Oldest supported release; a test compares it with the target of the bundle. */
const OLDEST_NODE = [20, 19] as const;

export function checkNode(version: string): Check {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isOld = major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1]);
  const wanted = OLDEST_NODE.join('.');
  return {
    name: 'node',
    ...(isOld
      ? problem(`version ${version} is too old`, `install Node.js ${wanted} or later`)
      : ok(`version ${version}`)),
  };
}

/** Checks for a program to take the daemon's lock with. */
export function checkLocker(searchPath: string): Check {
  const found = ['flock', 'perl'].find((program) => findInPath(program, searchPath).length > 0);
  const missing = problem('neither flock(1) nor perl is in PATH: no daemon can start', 'install util-linux, or perl');
  return { name: 'locker', ...(found === undefined ? missing : ok(`${found} found`)) };
}

export function checkTerminal(searchPath: string): Check {
  const why = whyNoPty(searchPath);
  const advice = 'install util-linux, or reinstall progressd with its optional packages';
  return {
    name: 'terminal',
    ...(why === undefined
      ? ok('`progress run` can allocate a pseudo-terminal')
      : warning(`\`progress run\` uses pipes instead of a pseudo-terminal: ${why}`, advice)),
  };
}

/** Checks whether the system reports changes in files; without them the daemon reads everything, but later. */
export function checkWatching(limit = findExhaustedLimit()): Check {
  return {
    name: 'watching',
    ...(limit === undefined
      ? ok('the system reports changes in files')
      : warning(
          `the system reports no changes in files: ${limit} is exhausted; appended lines are read within a minute`,
          `end programs that watch files, or raise the limit, for instance: sudo sysctl ${limit}=${RAISED[limit]}`,
        )),
  };
}

const RAISED: Readonly<Record<string, number | undefined>> = {
  'fs.inotify.max_user_instances': 1024,
  'fs.inotify.max_user_watches': 524_288,
};

/** Checks the configuration. A running daemon keeps the previous values of an invalid file. */
export function checkConfig(file: string, status?: DaemonStatus): Check {
  const name = 'config';
  const problems = findProblems(file);
  if (problems.length > 0) {
    const held = status?.config ? [`the daemon keeps the values of ${status.config.since}`] : [];
    return { name, ...problem([...problems, ...held].join('\n'), 'edit the file, then `progress config check`') };
  }
  return { name, ...ok(existsSync(file) ? `${file} is valid` : `${file} does not exist: all defaults`) };
}

export function checkState(paths: Paths): Check {
  return { name: 'state', ...inspectDirectory(paths.state) };
}

export function checkRuntime({ runtime, displaced }: Paths): Check {
  const finding = inspectDirectory(runtime);
  const why = displaced === undefined ? '' : `\ninstead of ${displaced}, which is too long for a socket`;
  return { name: 'runtime', ...finding, message: finding.message + why };
}

/** Checks the spool, which shells write also without a daemon. */
export function checkSpool(paths: Paths): Check {
  return { name: 'spool', ...inspectDirectory(paths.spool) };
}

/** Checks owner, mode and access of a directory of the daemon. */
function inspectDirectory(directory: string): Finding {
  const stat = lookAt(directory);
  if (typeof stat === 'string') return inspectBarrier(directory, stat);
  if (stat === undefined) return inspectParent(directory);
  if (!stat.isDirectory()) return problem(`${directory} is not a directory`, moveAway(directory));
  const { uid, username } = userInfo();
  if (stat.uid !== uid)
    return problem(`${directory} belongs to user ${stat.uid}`, `chown ${username} ${quote(directory)}`);
  if ((stat.mode & 0o077) !== 0) {
    return problem(
      `${directory}: other users can enter it (mode ${modeText(stat.mode)})`,
      `chmod 700 ${quote(directory)}`,
    );
  }
  const refusal = whyRefused(directory, constants.R_OK | constants.W_OK | constants.X_OK);
  if (refusal !== undefined)
    return problem(`${directory} cannot be written (${refusal})`, writeAdvice(directory, refusal));
  return ok(`${directory}, mode ${modeText(stat.mode)}`);
}

/** Finds the directory above `directory` that cannot be entered, and its owner. */
function inspectBarrier(directory: string, refusal: string): Finding {
  let at = path.parse(directory).root;
  for (const part of path.relative(at, directory).split(path.sep)) {
    if (whyRefused(at, constants.X_OK) !== undefined) break;
    at = path.join(at, part);
  }
  const owner = statSync(at, { throwIfNoEntry: false })?.uid;
  const { uid, username } = userInfo();
  if (owner === undefined || owner === uid)
    return problem(`${directory}: ${at} cannot be entered (${refusal})`, `chmod u+rwx ${quote(at)}`);
  const whose = owner === 0 ? 'root' : `user ${owner}`;
  return problem(`${directory}: ${at} belongs to ${whose}`, `sudo chown -R ${username} ${quote(at)}`);
}

/** Checks whether a missing directory can be created. */
function inspectParent(directory: string): Finding {
  const notOwn = whyNotOwn(directory);
  if (notOwn !== undefined) return problem(notOwn, 'sudo -i');
  const parent = nearestExisting(directory);
  if (!statSync(parent).isDirectory()) return problem(`${parent} is not a directory`, moveAway(parent));
  const refusal = whyRefused(parent, constants.W_OK | constants.X_OK);
  if (refusal === undefined) return ok(`${directory} does not exist yet; it is created when needed`);
  return problem(`${directory} cannot be created in ${parent} (${refusal})`, writeAdvice(parent, refusal));
}

function writeAdvice(directory: string, refusal: string): string {
  return refusal === 'EROFS' ? 'its file system is mounted read-only' : `chmod u+rwx ${quote(directory)}`;
}

export async function checkJournal(directory: string, status: JournalStatus | undefined): Promise<Check> {
  return { name: 'journal', ...(await inspectJournal(directory, status)) };
}

async function inspectJournal(directory: string, status: JournalStatus | undefined): Promise<Finding> {
  if (status?.failure) return problem(status.failure.message, 'see `progress daemon status`');
  if (lookAt(directory) === undefined) return ok(`${directory} does not exist yet; the daemon creates it`);
  const finding = inspectDirectory(directory);
  if (finding.state !== 'ok') return finding;
  const manifest = await readManifest(directory).catch((error: unknown) => ProgressError.from(error));
  if (manifest instanceof ProgressError) return problem(manifest.message, `chmod -R u+rwX ${quote(directory)}`);
  if (typeof manifest === 'object' && manifest.version > FORMAT_VERSION) {
    const versions = `version ${manifest.version}, this release writes ${FORMAT_VERSION}`;
    return problem(
      `${directory} was written by a later release (${versions}): it can only be read`,
      'install that release again',
    );
  }
  if (manifest === 'damaged') {
    return warning(`the journal.json in ${directory} is damaged`, 'run `progress daemon restart` to replace it');
  }
  const unreadable = status?.unreadable ?? (await findUnreadable(directory));
  if (unreadable.length > 0) {
    const reasons = unreadable.map(({ reason }) => reason).join('\n');
    return problem(
      `${reasons}\nreaders get a gap for what is in there`,
      `chmod -R u+rwX ${quote(directory)}, or check the disk`,
    );
  }
  return ok(`${directory} can be written`);
}

/** Checks for files that repairs of the journal have quarantined. */
export function checkQuarantine(journal: string): Check {
  const name = 'quarantine';
  const directory = path.join(journal, QUARANTINE);
  const files = listFiles(directory);
  if (files.length === 0) return { name, ...ok('empty') };
  const bytes = files.reduce((sum, file) => sum + (lstatSync(file, { throwIfNoEntry: false })?.size ?? 0), 0);
  const what = `${files.length} ${files.length === 1 ? 'file' : 'files'}, ${formatBytes(bytes)}`;
  return {
    name,
    ...warning(`${what} that repairs have cut off the journal, in ${directory}`, 'inspect them, then remove them'),
  };
}

function listFiles(directory: string): string[] {
  try {
    return readdirSync(directory).map((name) => path.join(directory, name));
  } catch {
    return []; // missing; other checks report what cannot be read
  }
}

/** Space for a few segments. */
const LOW_BYTES = 256 * 1024 * 1024;
/** One batch of events may not fit. */
const FULL_BYTES = 1024 * 1024;

export function checkDisk(directory: string): Check {
  const there = nearestExisting(directory);
  const { bavail, bsize } = statfsSync(there);
  return { name: 'disk', ...judgeSpace(bavail * bsize, there) };
}

export function judgeSpace(free: number, where: string): Finding {
  const message = `${formatBytes(free)} free on the file system of ${where}`;
  const advice = 'free some space, or lower journal.retainSize';
  if (free < FULL_BYTES) return problem(message, advice);
  return free < LOW_BYTES ? warning(message, advice) : ok(message);
}

/** @returns undefined when the file does not exist, the error code when that cannot be determined */
export function lookAt(file: string) {
  try {
    return lstatSync(file, { throwIfNoEntry: false });
  } catch (error) {
    return errnoOf(error) === 'ENOTDIR' ? undefined : (errnoOf(error) ?? 'unknown error');
  }
}

export function whyRefused(file: string, mode: number): string | undefined {
  try {
    accessSync(file, mode);
    return undefined;
  } catch (error) {
    return errnoOf(error) ?? 'refused';
  }
}

export function modeText(mode: number): string {
  return (mode & 0o777).toString(8).padStart(3, '0');
}

export function moveAway(file: string): string {
  return `move it away: mv ${quote(file)} ${quote(`${file}.old`)}`;
}

/** Quotes for a shell if necessary. */
export function quote(file: string): string {
  return /^[\w./-]+$/.test(file) ? file : `'${file.replaceAll("'", `'\\''`)}'`;
}
