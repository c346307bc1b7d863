/** The table of agents whose session files are followed: where these lie, and what their names tell. */
import path from 'node:path';
import type { Agent } from '../core/agents.js';

/** What the place of a session's file tells. */
export interface SessionPlace {
  agent: Agent;
  /** From the agent's directory. */
  parts: readonly string[];
  /** Different for each file, as long as a file is what it is. */
  source: string;
  /** Absent: the file itself tells. */
  session?: string;
  /** It tells of a sub-agent of that session, which it calls so. */
  subagent?: string;
  /** The session that has started this one. */
  parent?: string;
  /** Of a file that holds the directory of all sessions beside it: from the agent's directory. */
  root?: readonly string[];
}

type Told = Pick<SessionPlace, 'session' | 'subagent' | 'parent' | 'root'>;

interface Layout {
  /** Name of a format of `agents/formats.ts`. */
  format: string;
  /** May session files, or directories of such, lie in this directory? */
  isDirectory: (parts: readonly string[]) => boolean;
  /** Undefined: it is no session's file. */
  identify: (parts: readonly string[]) => Told | undefined;
}

/** The names come from others: what does not look like these is none of ours. */
const ID = '[0-9a-zA-Z][0-9a-zA-Z_-]{7,63}';
const SESSION = new RegExp(`^(${ID})\\.jsonl$`);
const SESSION_DIRECTORY = new RegExp(`^${ID}$`);
const CLAUDE_SUBAGENT = /^agent-([0-9a-zA-Z_-]{1,64})\.jsonl$/;
const CODEX_ROLLOUT = /^rollout-[0-9T-]{19}-([0-9a-f-]{36})\.jsonl(?:\.zst)?$/;
/** Of archived sessions, flat, beside that of the others. */
const ARCHIVE = 'archived_sessions';
/** Directories, and the file, below the agent's directory. */
const MAX_DEPTH = 4;
const GEMINI_SESSION = /^session-[0-9a-zA-Z_.-]{1,100}\.jsonl$/;
const SUBAGENTS = 'subagents';
const CHATS = 'chats';
const GEMINI_ROOT = '.project_root';

export const LAYOUTS: Readonly<Record<Agent, Layout>> = {
  claude: {
    format: 'claude-transcript',
    isDirectory: ([, session, last, ...more]) =>
      (session === undefined || SESSION_DIRECTORY.test(session)) && (last ?? SUBAGENTS) === SUBAGENTS && !more.length,
    identify([, name = '', directory, file = '', ...more]) {
      if (more.length > 0) return undefined;
      const [, subagent] = CLAUDE_SUBAGENT.exec(file) ?? [];
      if (directory === SUBAGENTS) return subagent !== undefined ? { session: name, subagent } : undefined;
      const [, session] = SESSION.exec(name) ?? [];
      return directory === undefined && session !== undefined && !CLAUDE_SUBAGENT.test(name) ? { session } : undefined;
    },
  },
  codex: {
    format: 'codex-rollout',
    isDirectory: (parts) => parts.length <= 3 && parts.every((part) => /^\d{2,4}$/.test(part)),
    identify(parts) {
      const [, session] = CODEX_ROLLOUT.exec(parts.at(-1) ?? '') ?? [];
      const isArchived = parts.length === 1;
      return (isArchived || parts.length === 4) && session !== undefined ? { session } : undefined;
    },
  },
  gemini: {
    format: 'gemini-transcript',
    isDirectory: ([, chats, parent, ...more]) =>
      (chats ?? CHATS) === CHATS && (parent === undefined || SESSION_DIRECTORY.test(parent)) && !more.length,
    identify([project = '', chats, name = '', file, ...more]) {
      if (chats !== CHATS || more.length > 0) return undefined;
      const root = [project, GEMINI_ROOT];
      if (file === undefined) return GEMINI_SESSION.test(name) ? { root } : undefined;
      const [, session] = SESSION.exec(file) ?? [];
      return session === undefined ? undefined : { session, parent: name, root };
    },
  },
};

/** The directories that hold an agent's sessions: Codex moves those that its user archives to another one. */
export function rootsOf(agent: Agent, root: string): string[] {
  return agent === 'codex' ? [root, path.join(path.dirname(root), ARCHIVE)] : [root];
}

/** Undefined for anything else that may lie there. */
export function sessionPlaceOf(agent: Agent, parts: readonly string[]): SessionPlace | undefined {
  const told = LAYOUTS[agent].identify(parts);
  if (!told) return undefined;
  const name = told.session ?? path.basename(parts.at(-1) ?? '', '.jsonl');
  const part = told.subagent === undefined ? '' : `-agent-${told.subagent}`;
  return { agent, parts, source: `transcript-${agent}-${name}${part}`, ...told };
}

/** The file of the session that a sub-agent belongs to. */
export function ownerOf({ parts, session }: SessionPlace): readonly string[] {
  return [parts[0] ?? '', `${session ?? ''}.jsonl`];
}

/** The place of a file whose path somebody has named, wherever it lies; undefined when it is not of that session. */
export function placeOfNamed(agent: Agent, file: string, session: string): SessionPlace | undefined {
  const parts = file.split(path.sep);
  return Array.from({ length: MAX_DEPTH }, (_, index) => sessionPlaceOf(agent, parts.slice(-1 - index))).find(
    (place) => place !== undefined && (place.session ?? session) === session,
  );
}
