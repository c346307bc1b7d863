/** What `progress doctor` looks at in the files: one small function for each check. They read, and change nothing. */
import { accessSync, constants, existsSync, lstatSync, readdirSync, statfsSync, statSync } from 'node:fs';
import { userInfo } from 'node:os';
import path from 'node:path';
import { formatBytes } from '../../../core/format.js';
import { errnoOf, ProgressError } from '../../../core/errors.js';
import { QUARANTINE } from '../../../journal/layout.js';
import { FORMAT_VERSION, readManifest } from '../../../journal/manifest.js';
import { findUnreadable } from '../../../journal/source.js';
import { nearestExisting, whyNotOwn } from '../../../platform/own-directory.js';
import type { Paths } from '../../../platform/paths.js';
import { findInPath } from '../../../platform/paths.js';
import type { DaemonStatus, JournalStatus } from '../../../api/messages.js';
import { VERSION } from '../../../core/version.js';
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

/** The first release that has everything that is used; a test holds it equal to the bundle's target. */
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

/** The daemon takes its lock by one of them. */
export function checkLocker(searchPath: string): Check {
  const found = ['flock', 'perl'].find((program) => findInPath(program, searchPath).length > 0);
  const missing = problem('neither flock(1) nor perl is in PATH: no daemon can start', 'install util-linux, or perl');
  return { name: 'locker', ...(found === undefined ? missing : ok(`${found} is there`)) };
}

export function checkTerminal(searchPath: string): Check {
  const why = whyNoPty(searchPath);
  const advice = 'install util-linux, or progressd anew with its optional packages';
  return {
    name: 'terminal',
    ...(why === undefined
      ? ok('`progress run` gives commands one')
      : warning(`\`progress run\` gives commands none, but pipes: ${why}`, advice)),
  };
}

/** Without the system's reports of changes the daemon still reads everything, but late. */
export function checkWatching(limit = findExhaustedLimit()): Check {
  return {
    name: 'watching',
    ...(limit === undefined
      ? ok('the system reports changes in files')
      : warning(
          `the system reports no changes in files: ${limit} is used up; what is appended is read within a minute`,
          `end programs that watch files, or raise the limit, for instance: sudo sysctl ${limit}=${RAISED[limit]}`,
        )),
  };
}

const RAISED: Readonly<Record<string, number | undefined>> = {
  'fs.inotify.max_user_instances': 1024,
  'fs.inotify.max_user_watches': 524_288,
};

/** A daemon that runs goes on with the values that it had before the file was broken. */
export function checkConfig(file: string, status?: DaemonStatus): Check {
  const name = 'config';
  const problems = findProblems(file);
  if (problems.length > 0) {
    const held = status?.config ? [`the daemon goes on with the values of ${status.config.since}`] : [];
    return { name, ...problem([...problems, ...held].join('\n'), 'edit the file, then `progress config check`') };
  }
  return { name, ...ok(existsSync(file) ? `${file} is right` : `there is no ${file}: all defaults`) };
}

export function checkState(paths: Paths): Check {
  return { name: 'state', ...inspectDirectory(paths.state) };
}

export function checkRuntime({ runtime, displaced }: Paths): Check {
  const finding = inspectDirectory(runtime);
  const why = displaced === undefined ? '' : `\nin place of ${displaced}, which is too long for a socket`;
  return { name: 'runtime', ...finding, message: finding.message + why };
}

/** Shells write into it while no daemon runs, too. */
export function checkSpool(paths: Paths): Check {
  return { name: 'spool', ...inspectDirectory(paths.spool) };
}

/** Everything that the daemon demands of a directory of its own. */
function inspectDirectory(directory: string): Finding {
  const stat = lookAt(directory);
  if (typeof stat === 'string') return inspectBarrier(directory, stat);
  if (stat === undefined) return inspectParent(directory);
  if (!stat.isDirectory()) return problem(`${directory} is not a directory`, moveAway(directory));
  const { uid, username } = userInfo();
  if (stat.uid !== uid)
    return problem(`${directory} belongs to user ${stat.uid}`, `chown ${username} ${quote(directory)}`);
  if ((stat.mode & 0o077) !== 0) {
    return problem(`${directory}: others may enter it (mode ${modeText(stat.mode)})`, `chmod 700 ${quote(directory)}`);
  }
  const refusal = whyRefused(directory, constants.R_OK | constants.W_OK | constants.X_OK);
  if (refusal !== undefined)
    return problem(`${directory} cannot be written (${refusal})`, writeAdvice(directory, refusal));
  return ok(`${directory}, mode ${modeText(stat.mode)}`);
}

/** Which of the directories above `directory` cannot be entered, and whose it is. */
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

/** It is made when it is needed, if that can be. */
function inspectParent(directory: string): Finding {
  const notOwn = whyNotOwn(directory);
  if (notOwn !== undefined) return problem(notOwn, 'sudo -i');
  const parent = nearestExisting(directory);
  if (!statSync(parent).isDirectory()) return problem(`${parent} is not a directory`, moveAway(parent));
  const refusal = whyRefused(parent, constants.W_OK | constants.X_OK);
  if (refusal === undefined) return ok(`${directory} is not there yet: it is made when it is needed`);
  return problem(`${directory} cannot be made in ${parent} (${refusal})`, writeAdvice(parent, refusal));
}

function writeAdvice(directory: string, refusal: string): string {
  return refusal === 'EROFS' ? 'its file system is mounted read-only' : `chmod u+rwx ${quote(directory)}`;
}

export async function checkJournal(directory: string, status: JournalStatus | undefined): Promise<Check> {
  return { name: 'journal', ...(await inspectJournal(directory, status)) };
}

async function inspectJournal(directory: string, status: JournalStatus | undefined): Promise<Finding> {
  if (status?.failure)
    return problem(status.failure.message, '`progress daemon status` shows when it is written again');
  if (lookAt(directory) === undefined) return ok(`${directory} is not there yet: the first daemon makes it`);
  const finding = inspectDirectory(directory);
  if (finding.state !== 'ok') return finding;
  const manifest = await readManifest(directory).catch((error: unknown) => ProgressError.from(error));
  if (manifest instanceof ProgressError) return problem(manifest.message, `chmod -R u+rwX ${quote(directory)}`);
  if (typeof manifest === 'object' && manifest.version > FORMAT_VERSION) {
    const versions = `version ${manifest.version}, this release writes ${FORMAT_VERSION}`;
    return problem(
      `${directory} is of a later release (${versions}): it can only be read`,
      'install that release again',
    );
  }
  if (manifest === 'damaged') {
    return warning(`the journal.json in ${directory} is damaged`, '`progress daemon restart` makes a new one');
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

/** What repairs have cut off is kept for somebody to look at. */
export function checkQuarantine(journal: string): Check {
  const name = 'quarantine';
  const directory = path.join(journal, QUARANTINE);
  const files = listFiles(directory);
  if (files.length === 0) return { name, ...ok('empty') };
  const bytes = files.reduce((sum, file) => sum + (lstatSync(file, { throwIfNoEntry: false })?.size ?? 0), 0);
  const what = `${files.length} ${files.length === 1 ? 'file' : 'files'}, ${formatBytes(bytes)}`;
  return {
    name,
    ...warning(`${what} that repairs have cut off the journal, in ${directory}`, 'look through them, then remove them'),
  };
}

function listFiles(directory: string): string[] {
  try {
    return readdirSync(directory).map((name) => path.join(directory, name));
  } catch {
    return []; // not there; what cannot be read at all, others tell
  }
}

/** A few segments more; below this a busy day may fill it. */
const LOW_BYTES = 256 * 1024 * 1024;
/** Not even one batch of events is sure to fit. */
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

/** Undefined when it is not there, a text when that cannot be found out. */
export function lookAt(file: string) {
  try {
    return lstatSync(file, { throwIfNoEntry: false });
  } catch (error) {
    return errnoOf(error) === 'ENOTDIR' ? undefined : (errnoOf(error) ?? 'cannot be looked at');
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

/** For a shell, if it needs that. */
export function quote(file: string): string {
  return /^[\w./-]+$/.test(file) ? file : `'${file.replaceAll("'", `'\\''`)}'`;
}
