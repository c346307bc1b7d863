/** Describes the hooks that `progress setup` writes to the settings of an agent. */
import { fileURLToPath } from 'node:url';
import type { Agent } from '../core/agents.js';
import { quotePosix } from '../platform/shell-quote.js';
import type { Handler } from './agent.js';
import { resolveAgentPaths } from './agent-paths.js';
import { DEFINITIONS } from './registry.js';

/** Program that agents call; the path is relative to dist/, where everything runs. */
const HOOK_PROGRAM = fileURLToPath(new URL('../hooks/claude-plugin/agent-hook', import.meta.url));

/** What setup writes, and where. */
export interface AgentSetup {
  file: string;
  events: readonly string[];
  handler: Handler;
  advice: readonly string[];
}

export function agentSetup(agent: Agent, env: NodeJS.ProcessEnv): AgentSetup {
  const { events, handler, advice } = DEFINITIONS[agent].settings;
  return {
    file: resolveAgentPaths(env)[agent].settings,
    events: events(env),
    handler: { ...handler, command: hookCommand(agent) },
    advice,
  };
}

/** Returns a command that any shell understands, and that is silent and succeeds once the package is removed. */
function hookCommand(agent: Agent): string {
  const file = quotePosix(HOOK_PROGRAM);
  return `[ ! -r ${file} ] || exec sh ${file} ${agent}`;
}

/** Returns the program that such a command calls. */
export function programOfHook(command: string): string | undefined {
  return /exec sh '(.*)' \w+$/s.exec(command)?.[1]?.replaceAll(`'\\''`, "'");
}

/** Whether this hook program belongs to this package. */
export function isOwnHook(program: string): boolean {
  return program === HOOK_PROGRAM;
}

/** Whether setup has written this command, from any installation and version of the package. */
export function isHookCommand(command: unknown, agent: Agent): boolean {
  return typeof command === 'string' && command.endsWith(`agent-hook' ${agent}`);
}
