/** Opens the process registries of the agents that keep one. */
import type { Agent } from '../core/agents.js';
import { AGENTS } from '../core/agents.js';
import type { AgentPaths } from './agent-paths.js';
import { DEFINITIONS } from './registry.js';
import type { ProcessRegistry } from './sessions/process-registry.js';

/** By agent. */
export type ProcessRegistries = ReadonlyMap<string, ProcessRegistry>;

export function openProcessRegistries(
  paths: Readonly<Record<Agent, Pick<AgentPaths, 'directory'>>>,
): ProcessRegistries {
  const registries = new Map<string, ProcessRegistry>();
  for (const agent of AGENTS) {
    const registry = DEFINITIONS[agent].openProcessRegistry?.(paths[agent].directory);
    if (registry) registries.set(agent, registry);
  }
  return registries;
}
