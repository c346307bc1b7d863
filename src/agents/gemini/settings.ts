/** Settings of Gemini CLI. */
import type { AgentSettings } from '../agent.js';
import { GEMINI_HOOKS } from './hooks.js';

export const GEMINI_SETTINGS: AgentSettings = {
  file: 'settings.json',
  events: () => Object.keys(GEMINI_HOOKS.events),
  // in milliseconds
  handler: { name: 'progress', type: 'command', timeout: 10_000 },
  advice: [],
};
