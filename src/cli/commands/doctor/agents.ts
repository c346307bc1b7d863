/** Checks the hooks of coding agents in their settings; starts no agent. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { ProgressError } from '../../../core/base/errors.js';
import type { Agent } from '../../../core/agents.js';
import { AGENTS } from '../../../core/agents.js';
import { resolveAgentPaths } from '../../../agents/agent-paths.js';
import { commandsOfOurs } from '../../../agents/settings.js';
import { isHookCommand, isOwnHook, programOfHook } from '../../../agents/settings-files.js';
import type { Check, Finding } from './checks.js';
import { ok, problem, warning } from './checks.js';
import { fromBytes } from '../setup/rc-block.js';
import { readRcFile } from '../../../platform/rc-file.js';

/** Creates a check for each agent that has been used. */
export function checkAgents(env: NodeJS.ProcessEnv): Check[] {
  const paths = resolveAgentPaths(env);
  return AGENTS.map((agent) => ({ agent, file: paths[agent].settings }))
    .filter(({ file }) => existsSync(path.dirname(file)))
    .map(({ agent, file }) => ({ name: agent, ...inspectAgent(agent, file) }));
}

function inspectAgent(agent: Agent, file: string): Finding {
  const repair = `run \`progress setup ${agent}\` to repair it, or \`progress setup ${agent} --undo\` to remove it`;
  try {
    const { text } = readRcFile(file);
    const isOurs = (command: unknown) => isHookCommand(command, agent);
    const commands = text === undefined || text.trim() === '' ? [] : commandsOfOurs(text, { file, isOurs });
    if (commands.length === 0) return ok(`no hooks in ${file}: \`progress setup ${agent}\` adds them`);
    for (const command of new Set(commands)) {
      const program = programOfHook(fromBytes(command));
      if (program === undefined) return warning(`${file}: the hooks were edited by hand`, repair);
      if (!existsSync(program))
        return problem(`${file}: ${program} does not exist, so its sessions are not shown`, repair);
      if (!isOwnHook(program)) return warning(`${file}: the hooks belong to another installation: ${program}`, repair);
    }
    return ok(`${file} has the hooks, for ${commands.length} events`);
  } catch (thrown) {
    const { message } = ProgressError.from(thrown);
    return warning(message.replace('; nothing was changed', ''), `repair the file; ${agent} cannot read it either`);
  }
}
