/** Session files of Claude Code: `<project>/<session>.jsonl` and `<project>/<session>/subagents/agent-<id>.jsonl`. */
import { textOf } from '../../core/events/event.js';
import { parseObject } from '../../formats/json.js';
import { readSmallFile } from '../sessions/read-file.js';
import type { SessionFiles } from '../sessions/session-files.js';
import { SESSION_ID } from '../sessions/session-files.js';
import { createClaudeHistoryFinder } from './fork.js';

const SESSION = new RegExp(`^(${SESSION_ID})\\.jsonl$`);
const SESSION_DIRECTORY = new RegExp(`^${SESSION_ID}$`);
const SUBAGENT = /^agent-([0-9a-zA-Z_-]{1,64})\.jsonl$/;
const SUBAGENTS = 'subagents';

export const CLAUDE_SESSION_FILES: SessionFiles = {
  directory: 'projects',
  isDirectory: ([, session, last, ...more]) =>
    (session === undefined || SESSION_DIRECTORY.test(session)) && (last ?? SUBAGENTS) === SUBAGENTS && !more.length,
  identify([project = '', name = '', directory, file = '', ...more]) {
    if (more.length > 0) return undefined;
    const [, subagent] = SUBAGENT.exec(file) ?? [];
    if (directory === SUBAGENTS && subagent !== undefined) {
      return { session: name, subagent, owner: [project, `${name}.jsonl`] };
    }
    const [, session] = SESSION.exec(name) ?? [];
    return directory === undefined && session !== undefined && !SUBAGENT.test(name) ? { session } : undefined;
  },
  mayContain: ([, name], session) => name === undefined || name === session,
  readStep,
  createHistoryFinder: createClaudeHistoryFinder,
};

/** Reads the call that started a sub-agent from the file beside its session file. */
function readStep(file: string): string | undefined {
  const fields = parseObject(readSmallFile(file.replace(/\.jsonl$/, '.meta.json')));
  return fields && textOf(fields, 'toolUseId');
}
