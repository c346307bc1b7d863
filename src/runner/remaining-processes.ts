/** Reports processes of a run that outlive its command. */
import type { Emit } from './emit.js';
import type { ProcessGroup } from './group.js';

/** Logs a warning that names the processes that outlive the command. */
export function reportRemaining(group: ProcessGroup, emit: Emit): void {
  const message = describeRemaining(
    group.members().map(({ pid }) => pid),
    group.escaped(),
  );
  if (message !== undefined) emit('log', { level: 'warning', message });
}

/**
 * Describes the processes that outlive the command of a run.
 *
 * @param members - Process IDs within the group of the run.
 * @param escaped - Process IDs outside of it, read after `members`: a process that leaves meanwhile is in both lists.
 * @returns Undefined when there is none.
 */
export function describeRemaining(members: readonly number[], escaped: readonly number[]): string | undefined {
  const remaining = [...members.filter((pid) => !escaped.includes(pid)), ...escaped];
  if (remaining.length === 0) return undefined;
  const subject = remaining.length === 1 ? 'process of this run is' : 'processes of this run are';
  const outside = escaped.length === 0 ? '' : `; outside of its group: ${escaped.join(', ')}`;
  return `${remaining.length} ${subject} still running: ${remaining.join(', ')}${outside}`;
}
