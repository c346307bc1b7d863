/**
 * Names the processes that an event comes from: the one that ran `progress emit`, and its ancestors. By these names
 * routing finds the task that one of them has started.
 */
import { evictOldest } from '../core/base/evict.js';
import { ancestorsOf } from './processes.js';

/** Maximum number of ancestors. */
const MAX_SENDERS = 8;
/** Maximum number of cached lookups. */
const MAX_KNOWN = 1_000;

const NAME = /^emit-(\d{1,10})(\.\d+)?$/;

/** Returns the names for a command that runs in process `parent`, the nearest first. */
export function senderNames(parent = process.ppid): string[] {
  const names: string[] = [];
  for (const { pid, start } of ancestorsOf(parent)) {
    names.push(`emit-${pid}.${start}`);
    if (names.length === MAX_SENDERS) break;
  }
  return names.length > 0 ? names : [`emit-${parent}`];
}

/**
 * Creates a function that completes the ancestors in names of bin/progress, which omits them because each lookup is slow
 * in a shell. The last of these names is a process without its start time, which is looked up while the process lives.
 */
export function createSenderLookup(): (names: readonly string[]) => readonly string[] {
  const known = new Map<string, readonly string[]>();
  return (names) => {
    const [nearest] = names;
    const [, pid, start] = NAME.exec(names.at(-1) ?? '') ?? [];
    if (nearest === undefined || pid === undefined || start !== undefined || names.length < 2) return names;
    const found = known.get(nearest);
    if (found) return found;
    const complete = [...names.slice(0, -1), ...senderNames(Number(pid))];
    known.set(nearest, complete);
    evictOldest(known, MAX_KNOWN);
    return complete;
  };
}
