/** The agents whose hooks `progress setup` can set: where their settings are, and what stands in them. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { resolveAgentFiles } from '../platform/paths.js';
import type { Agent } from '../core/agents.js';
import { quotePosix } from '../platform/shell-quote.js';

/** Called by agents; seen from dist/, where everything runs. */
const HOOK_PROGRAM = fileURLToPath(new URL('../hooks/claude-plugin/agent-hook', import.meta.url));
const VERSION_MS = 10_000;

/** One entry of a list of handlers. */
export interface Handler {
  type: 'command';
  command: string;
  /** In the agent's own unit. */
  timeout: number;
  name?: string;
}

/**
 * By the version of Claude Code that brought them: to an older one a name that it does not know makes all settings
 * invalid. Never WorktreeCreate, whose hook takes the place of what it tells of.
 */
const CLAUDE_EVENTS: readonly (readonly [since: string, events: readonly string[]])[] = [
  ['1.0.85', ['SessionStart', 'UserPromptSubmit', 'PreToolUse', 'PostToolUse', 'Notification', 'Stop', 'SubagentStop']],
  ['1.0.85', ['PreCompact', 'SessionEnd']],
  ['2.0.45', ['SubagentStart', 'PermissionRequest']],
  [
    '2.1.89',
    ['PostToolUseFailure', 'PostToolBatch', 'StopFailure', 'PermissionDenied', 'Elicitation', 'ElicitationResult'],
  ],
  ['2.1.152', ['MessageDisplay']],
];
/** What of these everybody has. */
const CLAUDE_FLOOR = '2.0.45';
const CODEX_EVENTS = [
  ...['SessionStart', 'UserPromptSubmit', 'PreToolUse', 'PermissionRequest', 'PostToolUse', 'PreCompact', 'Stop'],
  ...['SubagentStart', 'SubagentStop', 'Interrupt', 'SessionEnd'],
];
/** Not those of the model, which come with each piece of text and hold the whole conversation. */
const GEMINI_EVENTS = [
  ...['SessionStart', 'BeforeAgent', 'BeforeTool', 'AfterTool', 'AfterAgent', 'Notification', 'SessionEnd'],
];

export interface AgentSetup {
  file: string;
  events: readonly string[];
  handler: Handler;
  /** What the person has to do besides. */
  advice: string[];
}

export function agentSetup(agent: Agent, env: NodeJS.ProcessEnv): AgentSetup {
  const file = resolveAgentFiles(env)[agent];
  const command = hookCommand(agent);
  switch (agent) {
    case 'claude':
      return {
        file,
        events: claudeEvents(versionOf('claude', env)),
        handler: { type: 'command', command, timeout: 10 },
        advice: [],
      };
    case 'codex': {
      const advice = ['Codex asks at its next start whether to trust new hooks: /hooks shows them.'];
      // more it gives nobody at the end of a session, and says so at each start
      return { file, events: CODEX_EVENTS, handler: { type: 'command', command, timeout: 3 }, advice };
    }
    case 'gemini':
      return {
        file,
        events: GEMINI_EVENTS,
        handler: { name: 'progress', type: 'command', command, timeout: 10_000 },
        advice: [],
      };
  }
}

/** Whatever shell an agent takes, and once the package is gone, it is silent and succeeds. */
function hookCommand(agent: Agent): string {
  const file = quotePosix(HOOK_PROGRAM);
  return `[ ! -r ${file} ] || exec sh ${file} ${agent}`;
}

/** The file that such a command calls. */
export function programOfHook(command: string): string | undefined {
  return /exec sh '(.*)' \w+$/s.exec(command)?.[1]?.replaceAll(`'\\''`, "'");
}

/** Is it the one of this package? */
export function isOwnHook(program: string): boolean {
  return program === HOOK_PROGRAM;
}

/** Of any place of the package, and any version of it. */
export function isHookCommand(command: unknown, agent: Agent): boolean {
  return typeof command === 'string' && command.endsWith(`agent-hook' ${agent}`);
}

export function claudeEvents(version: string | undefined): string[] {
  const known = version ?? CLAUDE_FLOOR;
  return CLAUDE_EVENTS.filter(([since]) => !isOlder(known, since)).flatMap(([, events]) => events);
}

function isOlder(version: string, than: string): boolean {
  const [a, b] = [version.split('.').map(Number), than.split('.').map(Number)];
  const at = [0, 1, 2].find((index) => a[index] !== b[index]);
  return at !== undefined && (a[at] ?? 0) < (b[at] ?? 0);
}

function versionOf(program: string, env: NodeJS.ProcessEnv): string | undefined {
  const { stdout } = spawnSync(program, ['--version'], {
    env,
    encoding: 'utf8',
    timeout: VERSION_MS,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return /\d+\.\d+\.\d+/.exec(stdout)?.[0];
}
