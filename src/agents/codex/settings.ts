/** Settings of Codex. */
import type { AgentSettings } from '../agent.js';
import { CODEX_HOOKS } from './hooks.js';

export const CODEX_SETTINGS: AgentSettings = {
  file: 'hooks.json',
  events: () => Object.keys(CODEX_HOOKS.events),
  // in seconds: Codex reduces a longer timeout at the end of a session, and warns about it at each start
  handler: { type: 'command', timeout: 3 },
  advice: ['Codex asks at its next start whether to trust new hooks: /hooks shows them.'],
};
