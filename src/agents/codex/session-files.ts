/** Session files of Codex: `YYYY/MM/DD/rollout-<time>-<session>.jsonl`, and archived ones without directories. */
import type { SessionFiles } from '../sessions/session-files.js';
import { createCodexHistoryFinder } from './fork.js';

const ROLLOUT = /^rollout-[0-9T-]{19}-([0-9a-f-]{36})\.jsonl(?:\.zst)?$/;

export const CODEX_SESSION_FILES: SessionFiles = {
  directory: 'sessions',
  archive: 'archived_sessions',
  isDirectory: (parts) => parts.length <= 3 && parts.every((part) => /^\d{2,4}$/.test(part)),
  identify(parts) {
    const [, session] = ROLLOUT.exec(parts.at(-1) ?? '') ?? [];
    const isArchived = parts.length === 1;
    return (isArchived || parts.length === 4) && session !== undefined ? { session } : undefined;
  },
  createHistoryFinder: (roots) => createCodexHistoryFinder(CODEX_SESSION_FILES, roots),
};
