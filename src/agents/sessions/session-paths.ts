/** Finds the files of one session by its ID, without reading all files of the agent. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import type { Agent } from '../../core/agents.js';
import { LAYOUTS } from '../registry.js';

/** Directories that are read for one session. */
const MAX_DIRECTORIES = 20_000;

/**
 * @param roots the directories that hold the agent's sessions, archives included.
 * @returns the session's own file and those of its sub-agents, as absolute paths; of copies all of them.
 */
export function filesOfSession(agent: Agent, roots: readonly string[], session: string): string[] {
  const { identify, isDirectory } = LAYOUTS[agent];
  return roots.flatMap((root) => {
    const found: string[] = [];
    const directories: (readonly string[])[] = [[]];
    for (const parts of directories) {
      for (const entry of entriesOf(path.join(root, ...parts))) {
        const below = [...parts, entry.name];
        if (entry.isFile() && identify(below)?.session === session) found.push(path.join(root, ...below));
        else if (entry.isDirectory() && isDirectory(below) && mayHold(agent, below, session)) directories.push(below);
        if (directories.length > MAX_DIRECTORIES) return found;
      }
    }
    return found;
  });
}

/** In a project of Claude Code each session has a directory, which is named like it. */
function mayHold(agent: Agent, [, name]: readonly string[], session: string): boolean {
  return agent !== 'claude' || name === undefined || name === session;
}

/** In the order of their names; empty where there is no such directory. */
export function entriesOf(directory: string) {
  try {
    return readdirSync(directory, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch {
    return [];
  }
}
