/** Names of the coding agents whose hooks, output and session files are read. */
export const AGENTS = ['claude', 'codex', 'gemini'] as const;
export type Agent = (typeof AGENTS)[number];
