/** Session files of Gemini CLI: `<project>/chats/session-*.jsonl` and `<project>/chats/<session>/<sub-session>.jsonl`. */
import type { SessionFiles } from '../sessions/session-files.js';
import { SESSION_ID } from '../sessions/session-files.js';

const SESSION = /^session-[0-9a-zA-Z_.-]{1,100}\.jsonl$/;
const SUB_SESSION = new RegExp(`^(${SESSION_ID})\\.jsonl$`);
const SESSION_DIRECTORY = new RegExp(`^${SESSION_ID}$`);
const CHATS = 'chats';
/** File in the directory of a project that has the project's path. */
const PROJECT_ROOT = '.project_root';

export const GEMINI_SESSION_FILES: SessionFiles = {
  directory: 'tmp',
  isDirectory: ([, chats, parent, ...more]) =>
    (chats ?? CHATS) === CHATS && (parent === undefined || SESSION_DIRECTORY.test(parent)) && !more.length,
  identify([project = '', chats, name = '', file, ...more]) {
    if (chats !== CHATS || more.length > 0) return undefined;
    const cwdFile = [project, PROJECT_ROOT];
    if (file === undefined) return SESSION.test(name) ? { cwdFile } : undefined;
    const [, session] = SUB_SESSION.exec(file) ?? [];
    return session === undefined ? undefined : { session, parent: name, cwdFile };
  },
};
