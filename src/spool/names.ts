/** Names of spool files, and the writers that they identify. */
import { SHELLS } from '../platform/paths.js';

export const SPOOL_SUFFIX = '.ndjson';
/** Name under which commands append: a second link to the newest of the shared files. */
export const SHARED_NAME = `shared${SPOOL_SUFFIX}`;

/** `shared-ID.ndjson` has many writers; `bash-4242-k3x9.ndjson` has one, process 4242. */
const NAME = /^(?:shared|([a-z]{1,16})-(\d{1,10}))-[a-z0-9]{1,64}\.ndjson$/;
/** Files with a runner as their only writer. */
export const RUN_KIND = 'run';
/** Files of scripts that use the shell library. */
export const SCRIPT_KIND = 'sh';
/** Files of the hooks of interactive shells. */
export const PROMPT_KINDS: ReadonlySet<string | undefined> = new Set(SHELLS);
/** Files with one call of an agent's hook that is too long for the shared file. */
export const HOOK_KIND = 'hook';
/** Kinds of which there are many files, each complete once its writer has ended. */
export const BRIEF_KINDS: ReadonlySet<string | undefined> = new Set([RUN_KIND, HOOK_KIND]);

export interface SpoolName {
  /** Source of events that name none; unique within the retention of the journal. */
  source: string;
  /** Process ID of the only writer; undefined for a shared file. */
  writer: number | undefined;
  /** Kind of writer: a shell, a run... */
  kind: string | undefined;
}

/** @returns undefined when it is not the name of a spool file */
export function parseSpoolName(name: string): SpoolName | undefined {
  const match = NAME.exec(name);
  if (!match) return undefined;
  const [, kind, pid] = match;
  return { source: name.slice(0, -SPOOL_SUFFIX.length), kind, writer: pid === undefined ? undefined : Number(pid) };
}
