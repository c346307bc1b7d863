/** Registry of the coding agents: one entry per agent. */
import type { Agent } from '../core/agents.js';
import { AGENTS } from '../core/agents.js';
import type { AgentDefinition } from './agent.js';
import { CLAUDE } from './claude/agent.js';
import { CODEX } from './codex/agent.js';
import { GEMINI } from './gemini/agent.js';
import type { AgentHooks, HookEvent } from './hook-actions.js';
import { LOST, recordToolResult } from './hook-actions.js';
import { toolName } from './text.js';

export const DEFINITIONS: Readonly<Record<Agent, AgentDefinition>> = { claude: CLAUDE, codex: CODEX, gemini: GEMINI };

/** Returns the definition of an agent by its name in an event. @returns undefined for an unknown agent */
export function definitionOf(agent: string | undefined): AgentDefinition | undefined {
  const known = AGENTS.find((one) => one === agent);
  return known && DEFINITIONS[known];
}

/** Events of all agents: a name that several of them use means the same in each. */
const ALL_EVENTS: AgentHooks['events'] = Object.fromEntries(
  AGENTS.toReversed().flatMap((agent) => Object.entries(DEFINITIONS[agent].hooks.events)),
);

/** Hooks of an unknown agent. */
const OTHER_HOOKS: AgentHooks = {
  events: ALL_EVENTS,
  recordCall: (recorder, { id, name, input, parent }) => recorder.call({ id, tool: toolName(name), input, parent }),
  recordResult: recordToolResult,
  unfinished: LOST,
};

export function hooksOf(agent: string): AgentHooks {
  return definitionOf(agent)?.hooks ?? OTHER_HOOKS;
}

const NO_EVENT: HookEvent = {};

/** Returns the meaning of a hook event; an unknown one is only a sign of life. */
export function hookEventOf(agent: string, event: string): HookEvent {
  const tables = [hooksOf(agent).events, ALL_EVENTS];
  const table = tables.find((events) => Object.hasOwn(events, event));
  return table?.[event] ?? NO_EVENT;
}
