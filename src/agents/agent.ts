/** Defines a coding agent: its formats, hooks, settings and session files, and how its processes are recognised. */
import type { Format } from '../formats/format.js';
import type { AgentHooks } from './hook-actions.js';
import type { ProcessRegistry } from './sessions/process-registry.js';
import type { SessionFiles } from './sessions/session-files.js';

/** Everything about one agent. Its entry in `registry.ts` is the only reference to it. */
export interface AgentDefinition {
  /** Format of its output. */
  stream: Format;
  /** Format of its session files. */
  transcript: Format;
  hooks: AgentHooks;
  settings: AgentSettings;
  sessions: SessionFiles;
  /** Returns its directory, which an environment variable can move. @param home home directory of the user */
  directory: (env: NodeJS.ProcessEnv, home: string) => string;
  /** Part of the path of its package, for programs with another name than that of the agent. */
  packagePath: string;
  /** Whether a process has one session at a time: the start of another one ends the first. */
  hasOneSession: boolean;
  /** Opens the agent's registry of its processes, if it keeps one. @param directory directory of the agent */
  openProcessRegistry?: (directory: string) => ProcessRegistry;
}

/** Entry of a list of handlers in the settings. */
export interface Handler {
  type: 'command';
  command: string;
  /** In the agent's unit. */
  timeout: number;
  name?: string;
}

/** Settings of one agent. */
export interface AgentSettings {
  /** Name of the settings file in the agent's directory. */
  file: string;
  /** Returns the events to hook, in the order of the file. */
  events: (env: NodeJS.ProcessEnv) => readonly string[];
  handler: Omit<Handler, 'command'>;
  /** What the user has to do in addition. */
  advice: readonly string[];
}
