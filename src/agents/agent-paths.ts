/** Resolves the paths of each agent: its directory, its settings file, and the directory of its session files. */
import path from 'node:path';
import type { Agent } from '../core/agents.js';
import { AGENTS } from '../core/agents.js';
import { homeOf } from '../platform/paths.js';
import { DEFINITIONS } from './registry.js';

export interface AgentPaths {
  directory: string;
  /** Settings file of the user. */
  settings: string;
  sessions: string;
}

export function resolveAgentPaths(env: NodeJS.ProcessEnv = process.env): Readonly<Record<Agent, AgentPaths>> {
  const entries = AGENTS.map((agent) => [agent, pathsOf(agent, env)] as const);
  return Object.fromEntries(entries) as Record<Agent, AgentPaths>;
}

function pathsOf(agent: Agent, env: NodeJS.ProcessEnv): AgentPaths {
  const { settings, sessions, ...definition } = DEFINITIONS[agent];
  const directory = definition.directory(env, homeOf(env));
  return {
    directory: path.resolve(directory),
    settings: path.join(directory, settings.file),
    sessions: path.resolve(directory, sessions.directory),
  };
}
