/** Describes where an agent keeps its session files, and what their paths say. */
import path from 'node:path';
import type { Agent } from '../../core/agents.js';
import type { FindHistory } from '../../formats/history.js';

/** What the path of a session file says. */
export interface SessionIdentity {
  /** Absent: the content of the file says it. */
  session?: string;
  /** Sub-agent of the session that the file belongs to. */
  subagent?: string;
  /** Session file of the session that the sub-agent belongs to. Paths are relative to the directory of the sessions. */
  owner?: readonly string[];
  /** Session that started this one. */
  parent?: string;
  /** File with the working directory of the session. */
  cwdFile?: readonly string[];
}

/** Session files of one agent. */
export interface SessionFiles {
  /** Directory of the session files in the agent's directory. */
  directory: string;
  /** Sibling directory into which the agent moves the files of archived sessions. */
  archive?: string;
  /** Whether a directory may contain session files, or directories of such. */
  isDirectory: (parts: readonly string[]) => boolean;
  /** Identifies a session file. @returns undefined for any other file */
  identify: (parts: readonly string[]) => SessionIdentity | undefined;
  /** Whether a directory may contain files of this session. @default true */
  mayContain?: (parts: readonly string[], session: string) => boolean;
  /** Returns the step that started the sub-agent of a file, if another file says it. */
  readStep?: (file: string) => string | undefined;
  /** Creates a finder of copied history: the lines in the file of a fork that belong to its parent. */
  createHistoryFinder?: (roots: readonly string[]) => (session: string, file: string) => FindHistory;
}

/** A session file of an agent. */
export interface SessionPlace extends SessionIdentity {
  agent: Agent;
  /** Path relative to the directory of the sessions. */
  parts: readonly string[];
  /** Source of its events. */
  source: string;
}

/** Characters of the names of session files; others are not ours. */
export const SESSION_ID = '[0-9a-zA-Z][0-9a-zA-Z_-]{7,63}';
/** Depth of a session file below the directory of the sessions. */
const MAX_DIRECTORY_DEPTH = 4;

/** Returns the directories of an agent's session files. @param root the first of them */
export function sessionRoots({ archive }: SessionFiles, root: string): string[] {
  return archive === undefined ? [root] : [root, path.join(path.dirname(root), archive)];
}

/** @returns undefined if the path is not that of a session file */
export function sessionPlaceOf(agent: Agent, files: SessionFiles, parts: readonly string[]): SessionPlace | undefined {
  const identity = files.identify(parts);
  if (!identity) return undefined;
  const name = identity.session ?? path.basename(parts.at(-1) ?? '', '.jsonl');
  const part = identity.subagent === undefined ? '' : `-agent-${identity.subagent}`;
  return { agent, parts, source: `transcript-${agent}-${name}${part}`, ...identity };
}

/** Identifies a file in any directory by the end of its path. @returns undefined if it is not a file of this session */
export function placeOfNamed(
  agent: Agent,
  files: SessionFiles,
  file: string,
  session: string,
): SessionPlace | undefined {
  const parts = file.split(path.sep);
  return Array.from({ length: MAX_DIRECTORY_DEPTH }, (_, index) =>
    sessionPlaceOf(agent, files, parts.slice(-1 - index)),
  ).find((place) => place !== undefined && (place.session ?? session) === session);
}

/** Returns the path of another session file. @param file path of `place` */
export function siblingOf({ parts }: SessionPlace, file: string, other: readonly string[]): string {
  return file.slice(0, -parts.join('/').length) + other.join('/');
}
