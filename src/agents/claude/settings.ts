/** Settings of Claude Code: the hook events that each version has. */
import { spawnSync } from 'node:child_process';
import type { AgentSettings } from '../agent.js';
import type { ClaudeEvent } from './hooks.js';

const VERSION_TIMEOUT_MS = 10_000;

/**
 * Events by the version that introduced them: an older version rejects all settings because of a name that it does not
 * know. WorktreeCreate must not be added: its hook replaces the action that it reports.
 */
const EVENTS: readonly (readonly [since: string, events: readonly ClaudeEvent[]])[] = [
  ['1.0.85', ['SessionStart', 'UserPromptSubmit', 'PreToolUse', 'PostToolUse', 'Notification', 'Stop', 'SubagentStop']],
  ['1.0.85', ['PreCompact', 'SessionEnd']],
  ['2.0.45', ['SubagentStart', 'PermissionRequest']],
  [
    '2.1.89',
    ['PostToolUseFailure', 'PostToolBatch', 'StopFailure', 'PermissionDenied', 'Elicitation', 'ElicitationResult'],
  ],
  ['2.1.152', ['MessageDisplay']],
];
/** Assumed if the version is unknown. */
const DEFAULT_VERSION = '2.0.45';

export const CLAUDE_SETTINGS: AgentSettings = {
  file: 'settings.json',
  events: (env) => claudeEvents(versionOf('claude', env)),
  handler: { type: 'command', timeout: 10 },
  advice: [],
};

/** Returns the events that a version of Claude Code knows. */
export function claudeEvents(version = DEFAULT_VERSION): string[] {
  return EVENTS.filter(([since]) => !isOlder(version, since)).flatMap(([, events]) => events);
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
    timeout: VERSION_TIMEOUT_MS,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return /\d+\.\d+\.\d+/.exec(stdout)?.[0];
}
