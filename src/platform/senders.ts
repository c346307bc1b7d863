/**
 * Names of the processes that an event comes from: the one that ran `progress emit`, and those that this one runs in. By
 * these names routing finds the task that one of them has started.
 */
import { ancestorsOf } from './processes.js';

/** A script deeper in others than that still belongs to the nearest ones. */
const MAX_SENDERS = 8;
/** Ancestors of processes that have been looked up. */
const MAX_KNOWN = 1_000;

const NAME = /^emit-(\d{1,10})(\.\d+)?$/;

/** The names for a command that runs in process `parent`. */
export function senderNames(parent = process.ppid): string[] {
  const names: string[] = [];
  for (const { pid, start } of ancestorsOf(parent)) {
    names.push(`emit-${pid}.${start}`);
    if (names.length === MAX_SENDERS) break;
  }
  return names.length > 0 ? names : [`emit-${parent}`];
}

/**
 * Adds the ancestors that bin/progress has left to the daemon, because each costs a shell some time. Its last name is a
 * process without its start, and is looked up while that lives.
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
    const [oldest] = known.keys();
    if (known.size > MAX_KNOWN && oldest !== undefined) known.delete(oldest);
    return complete;
  };
}
