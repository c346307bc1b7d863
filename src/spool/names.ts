/** Names of spool files, and what they tell. */

export const SPOOL_SUFFIX = '.ndjson';
/** Where single commands append: always the newest of the shared files, which has a name of its own besides. */
export const SHARED_NAME = `shared${SPOOL_SUFFIX}`;

/** `shared-ID.ndjson` has many writers; `bash-4242-k3x9.ndjson` has one, process 4242. */
const NAME = /^(?:shared|([a-z]{1,16})-(\d{1,10}))-[a-z0-9]{1,64}\.ndjson$/;
/** Of files that a runner writes: nobody else appends to them, and there may be many. */
export const RUN_KIND = 'run';
/** Of files that scripts write with the shell library. */
export const SCRIPT_KIND = 'sh';
/** Of files that the hooks of interactive shells write. */
export const PROMPT_KINDS: ReadonlySet<string | undefined> = new Set(['bash', 'zsh', 'fish']);
/** Of files that hold one call of an agent's hook, which is too long for the shared one. */
export const HOOK_KIND = 'hook';
/** Whole once their writer is gone, and many. */
export const BRIEF_KINDS: ReadonlySet<string | undefined> = new Set([RUN_KIND, HOOK_KIND]);

export interface SpoolName {
  /** Of events that bring no source of their own: unique for as long as the journal remembers. */
  source: string;
  /** Process id of the only writer; undefined when there are many. */
  writer: number | undefined;
  /** What its writer is: a shell, a run... */
  kind: string | undefined;
}

/** Undefined for anything else that may lie there. */
export function parseSpoolName(name: string): SpoolName | undefined {
  const match = NAME.exec(name);
  if (!match) return undefined;
  const [, kind, pid] = match;
  return { source: name.slice(0, -SPOOL_SUFFIX.length), kind, writer: pid === undefined ? undefined : Number(pid) };
}
