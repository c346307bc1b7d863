/** The processes of this machine, as /proc has them. Where there is no /proc nothing is found, and nothing signalled. */
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

/** One process and no other: a process id alone is used again. */
export interface ProcessIdentity {
  pid: number;
  /** When it started, in clock ticks since the machine did. */
  start: number;
  /** This start of the machine. */
  boot: string;
}

export interface ProcessInfo {
  pid: number;
  /** Of its program, cut to 15 bytes. */
  name: string;
  /** One letter: `R` running, `S` sleeping, `T` stopped, `Z` zombie... */
  state: string;
  parent: number;
  group: number;
  session: number;
  /** As the system numbers devices; 0 without one. */
  terminal: number;
  /** Of its terminal: the group that may read from it. */
  foregroundGroup: number;
  /** Ticks since the machine started. */
  start: number;
  /** Milliseconds, its own and those of the children that it has waited for. */
  cpuMs: number;
  /** Of these, what its children took. */
  waitedCpuMs: number;
}

/** Ticks a second in /proc, the same on every Linux that Node runs on. */
export const TICKS = 100;
/** Beyond it, and at 0, kill(2) means whole groups. */
export const MAX_PID = 2 ** 31 - 1;

/** Undefined when there is none of that number. A zombie is one. */
export function readProcess(pid: number): ProcessInfo | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // the name stands in parentheses, and may hold any of them
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

/** The file of its terminal; undefined where it has none, or one of another kind than people sit in front of. */
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
/** From here on they are lines to the outside. */
const SERIAL_MINOR = 64;

/** Whether a process has a descriptor for this terminal, which is its controlling one. Reads all of /proc. */
export function isTerminalOpen(file: string): boolean {
  return readProcesses().some(
    ({ pid, terminal }) =>
      terminalFile(terminal) === file && readOpenFiles(pid).some((open) => open === file || open === '/dev/tty'),
  );
}

/** Undefined where it cannot be told. */
export function identityOf(pid: number): ProcessIdentity | undefined {
  const start = readProcess(pid)?.start;
  return start === undefined ? undefined : { pid, start, boot: bootId() };
}

/** Is it still there, and is it no zombie? */
export function isAlive({ pid, start, boot }: ProcessIdentity): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 1 || pid > MAX_PID || boot !== bootId()) return false;
  const found = readProcess(pid);
  return found?.start === start && found.state !== 'Z';
}

/**
 * Does it stand still, as it was told to? Also `D`: it waits for a child that was stopped before it could become another
 * program, as a shell does (vfork).
 */
export function isStandingStill({ state }: ProcessInfo): boolean {
  return state === 'T' || state === 'D';
}

/** Different after each start of the machine; empty where the system does not tell. */
export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  } catch {
    return '';
  }
}

/** The process `root`, all that descend from it, and all of its session: some of those have lost their parents. */
export function treeOf(root: number, processes: readonly ProcessInfo[]): ProcessInfo[] {
  return treesOf(processes)(root);
}

/** The same for many roots in one list, which is gone through once. */
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
    // a set goes on to what is added to it meanwhile
    for (const { pid } of members) for (const child of children.get(pid) ?? []) members.add(child);
    return [...members].filter(({ state }) => state !== 'Z');
  };
}

/** Bytes of memory that the tree of `root` has right now; what two processes share counts for both. 0 if none is left. */
export function treeRss(root: number): number {
  return treeOf(root, readProcesses()).reduce((sum, { pid }) => sum + readRss(pid), 0);
}

/** Bytes of memory; 0 for what has ended, and for the threads of the kernel. */
export function readRss(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1_024;
  } catch {
    return 0;
  }
}

/** What a process was started as, and where it works. */
export interface ProcessCommand {
  pid: number;
  parent: number;
  argv: string[];
  cwd: string;
}

/** Of those that may be looked into. Undefined where the system does not tell. */
export function readCommands(): ProcessCommand[] | undefined {
  const ids = processIds();
  return ids.length === 0 ? undefined : ids.flatMap((pid) => readCommand(pid) ?? []);
}

/** Undefined where there is none, or it may not be looked into. */
export function readCommand(pid: number): ProcessCommand | undefined {
  try {
    const argv = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
    const cwd = readlinkSync(`/proc/${pid}/cwd`);
    return { pid, parent: readProcess(pid)?.parent ?? 0, argv, cwd };
  } catch {
    return undefined;
  }
}

/** The files that it has open, those it may be asked about. */
export function readOpenFiles(pid: number): string[] {
  return namesIn(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
    } catch {
      return [];
    }
  });
}

/** Of those that may be looked into: whose environment began with `NAME=value` among its variables. */
export function processesWith(variable: string): number[] {
  return processIds().filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(variable);
    } catch {
      return false;
    }
  });
}

/** Descriptors of this process that a program started by it would have, too, beyond the standard ones. */
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

/** One more than the highest descriptor that this process may open; `Infinity` where the system does not say. */
export function maxDescriptors(): number {
  try {
    const limits = readFileSync('/proc/self/limits', 'latin1');
    return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Infinity);
  } catch {
    return Infinity;
  }
}

const STDERR = 2;
/** It closes where another program is executed. */
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

/** Those that are numbers. */
function namesIn(directory: string): number[] {
  try {
    return readdirSync(directory)
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}
