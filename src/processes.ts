/** The processes of this machine, as /proc has them. Where there is no /proc nothing is found, and nothing signalled. */
import { readFileSync, readdirSync } from 'node:fs';

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
  /** One letter: `R` running, `S` sleeping, `T` stopped, `Z` zombie... */
  state: string;
  parent: number;
  group: number;
  session: number;
  /** Ticks since the machine started. */
  start: number;
  /** Milliseconds, its own and those of the children that it has waited for. */
  cpuMs: number;
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
    const ticksAt = (index: number) => Number(fields[index] ?? 0);
    const ticks = ticksAt(11) + ticksAt(12) + ticksAt(13) + ticksAt(14);
    return {
      pid,
      state: fields[0] ?? '',
      parent: ticksAt(1),
      group: ticksAt(2),
      session: ticksAt(3),
      start: ticksAt(19),
      cpuMs: (ticks * 1_000) / TICKS,
    };
  } catch {
    return undefined;
  }
}

export function readProcesses(): ProcessInfo[] {
  return processIds().flatMap((pid) => readProcess(pid) ?? []);
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
  return found !== undefined && found.start === start && found.state !== 'Z';
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
  const members = new Set([root]);
  for (let size = 0; size !== members.size;) {
    size = members.size;
    for (const { pid, parent, session } of processes) if (session === root || members.has(parent)) members.add(pid);
  }
  return processes.filter(({ pid, state }) => members.has(pid) && state !== 'Z');
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

function processIds(): number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}
