/** Reads processes from /proc. Without /proc no process is found, and so none is signalled. */
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

/** Identity of a process, since process IDs are reused. */
export interface ProcessIdentity {
  pid: number;
  /** Start time in clock ticks since boot. */
  start: number;
  /** ID of the boot. */
  boot: string;
}

export interface ProcessInfo {
  pid: number;
  /** Name of the program, truncated to 15 bytes. */
  name: string;
  /** One letter: `R` running, `S` sleeping, `T` stopped, `Z` zombie... */
  state: string;
  parent: number;
  group: number;
  session: number;
  /** Device number of the controlling terminal; 0 without one. */
  terminal: number;
  /** Foreground process group of the terminal. */
  foregroundGroup: number;
  /** Start time in ticks since boot. */
  start: number;
  /** CPU time in milliseconds, including that of children it has waited for. */
  cpuMs: number;
  /** Part of it that the children used. */
  waitedCpuMs: number;
}

/** Ticks per second in /proc, the same on every Linux that Node supports. */
export const TICKS = 100;
/** Largest process ID. For other values, kill(2) signals whole groups. */
export const MAX_PID = 2 ** 31 - 1;

/** Reads a process, which may be a zombie; undefined if there is none. */
export function readProcess(pid: number): ProcessInfo | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // the name is in parentheses, and may contain parentheses
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const numberAt = (index: number) => Number(fields[index] ?? 0);
    const msAt = (index: number) => (numberAt(index) * 1_000) / TICKS;
    const waitedCpuMs = msAt(13) + msAt(14);
    return {
      pid,
      name: stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')')),
      state: fields[0] ?? '',
      parent: numberAt(1),
      group: numberAt(2),
      session: numberAt(3),
      terminal: numberAt(4),
      foregroundGroup: numberAt(5),
      start: numberAt(19),
      cpuMs: msAt(11) + msAt(12) + waitedCpuMs,
      waitedCpuMs,
    };
  } catch {
    return undefined;
  }
}

/** Deeper nesting does not occur; a circle could, where the system gives a process ID away while it is read. */
const MAX_ANCESTORS = 100;

/** The process itself and those that it descends from, nearest first, without the first one of the machine. */
export function* ancestorsOf(pid: number): Generator<ProcessInfo> {
  let found = readProcess(pid);
  for (let depth = 0; depth < MAX_ANCESTORS && found && found.pid > 1; depth += 1) {
    yield found;
    found = readProcess(found.parent);
  }
}

export function readProcesses(): ProcessInfo[] {
  return processIds().flatMap((pid) => readProcess(pid) ?? []);
}

/** Returns the device of the controlling terminal; undefined if there is none, or it is a serial line. */
export function terminalOf(pid: number): string | undefined {
  return terminalFile(readProcess(pid)?.terminal ?? 0);
}

function terminalFile(device: number): string | undefined {
  const major = (device >> 8) & 0xfff;
  const minor = (device & 0xff) | ((device >>> 12) & 0xfff00);
  if (major === PTS_MAJOR) return `/dev/pts/${minor}`;
  return major === TTY_MAJOR && minor > 0 && minor < SERIAL_MINOR ? `/dev/tty${minor}` : undefined;
}

const PTS_MAJOR = 136;
const TTY_MAJOR = 4;
/** First minor number of serial lines. */
const SERIAL_MINOR = 64;

/** Whether a process has a descriptor for this terminal, which is its controlling one. Reads all of /proc. */
export function isTerminalOpen(file: string): boolean {
  return readProcesses().some(
    ({ pid, terminal }) =>
      terminalFile(terminal) === file && readOpenFiles(pid).some((open) => open === file || open === '/dev/tty'),
  );
}

/** Returns the identity of a process; undefined if there is none. */
export function identityOf(pid: number): ProcessIdentity | undefined {
  const start = readProcess(pid)?.start;
  return start === undefined ? undefined : { pid, start, boot: bootId() };
}

/** Whether a process is running, and is not a zombie. */
export function isAlive({ pid, start, boot }: ProcessIdentity): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 1 || pid > MAX_PID || boot !== bootId()) return false;
  const found = readProcess(pid);
  return found?.start === start && found.state !== 'Z';
}

/** Whether a process has stopped. `D` counts: a shell waits there for a child that was stopped before its exec (vfork). */
export function isStandingStill({ state }: ProcessInfo): boolean {
  return state === 'T' || state === 'D';
}

/** Returns the ID of the boot; empty if it is not available. */
export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  } catch {
    return '';
  }
}

/** Returns the process `root`, its descendants, and its session, which includes processes that have lost their parents. */
export function treeOf(root: number, processes: readonly ProcessInfo[]): ProcessInfo[] {
  return treesOf(processes)(root);
}

/** Returns a function for the trees of many roots; indexes the list once. */
export function treesOf(processes: readonly ProcessInfo[]): (root: number) => ProcessInfo[] {
  const children = groupBy(processes, ({ parent }) => parent);
  const sessions = groupBy(processes, ({ session }) => session);
  const roots = new Map(processes.map((process) => [process.pid, process]));
  return (root) => {
    const leader = roots.get(root);
    const members = new Set([
      ...(leader ? [leader] : []),
      ...(sessions.get(root) ?? []),
      ...(children.get(root) ?? []),
    ]);
    // iteration of a set includes members added during it
    for (const { pid } of members) for (const child of children.get(pid) ?? []) members.add(child);
    return [...members].filter(({ state }) => state !== 'Z');
  };
}

/** Returns the resident memory of a process tree in bytes, in which shared memory counts several times. */
export function treeRss(root: number): number {
  return treeOf(root, readProcesses()).reduce((sum, { pid }) => sum + readRss(pid), 0);
}

/** Returns the resident memory of a process in bytes; 0 for ended processes and kernel threads. */
export function readRss(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1_024;
  } catch {
    return 0;
  }
}

/** Command line and working directory of a process. */
export interface ProcessCommand {
  pid: number;
  parent: number;
  argv: string[];
  cwd: string;
}

/** Returns the commands of all processes that this user may inspect; undefined without /proc. */
export function readCommands(): ProcessCommand[] | undefined {
  const ids = processIds();
  return ids.length === 0 ? undefined : ids.flatMap((pid) => readCommand(pid) ?? []);
}

/** Returns the command of a process; undefined if there is none, or this user may not inspect it. */
export function readCommand(pid: number): ProcessCommand | undefined {
  try {
    const argv = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
    const cwd = readlinkSync(`/proc/${pid}/cwd`);
    return { pid, parent: readProcess(pid)?.parent ?? 0, argv, cwd };
  } catch {
    return undefined;
  }
}

/** Returns the open files of a process, if this user may inspect it. */
export function readOpenFiles(pid: number): string[] {
  return namesIn(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
    } catch {
      return [];
    }
  });
}

/** Returns the processes that were started with `NAME=value` in their environment, of those this user may inspect. */
export function processesWith(variable: string): number[] {
  return processIds().filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(variable);
    } catch {
      return false;
    }
  });
}

/** Returns the descriptors above 2 that a child of this process would inherit. */
export function inheritedDescriptors(): number[] {
  return namesIn('/proc/self/fd').filter((fd) => {
    try {
      const flags = /^flags:\s+([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1];
      return fd > STDERR && flags !== undefined && (parseInt(flags, 8) & O_CLOEXEC) === 0;
    } catch {
      return false;
    }
  });
}

/** Returns the limit of open descriptors of this process; `Infinity` if it is unknown. */
export function maxDescriptors(): number {
  try {
    const limits = readFileSync('/proc/self/limits', 'latin1');
    return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Infinity);
  } catch {
    return Infinity;
  }
}

const STDERR = 2;
/** Close-on-exec flag. */
const O_CLOEXEC = 0o2000000;

function groupBy<T>(items: readonly T[], keyOf: (item: T) => number): Map<number, T[]> {
  const groups = new Map<number, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return groups;
}

function processIds(): number[] {
  return namesIn('/proc');
}

/** Returns the names in a directory that are numbers. */
function namesIn(directory: string): number[] {
  try {
    return readdirSync(directory)
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}
