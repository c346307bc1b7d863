/** IDs of executions that are started again under the same ID: `id~2` follows `id`, `id~3` follows `id~2`. */

/** Returns the ID for a restart of an ended execution. */
export function nextGeneration(id: string): string {
  const match = /^(.*)~(\d+)$/s.exec(id);
  return match ? `${match[1]}~${Number(match[2]) + 1}` : `${id}~2`;
}

/** Returns the ID that this one restarts; empty for a first generation. */
export function previousGeneration(id: string): string {
  const match = /^(.*)~(\d+)$/s.exec(id);
  if (!match) return '';
  return match[2] === '2' ? (match[1] ?? '') : `${match[1]}~${Number(match[2]) - 1}`;
}
