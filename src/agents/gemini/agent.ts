/** Gemini CLI. */
import path from 'node:path';
import { hasWord } from '../../formats/format.js';
import type { AgentDefinition } from '../agent.js';
import { AGENT_EVENTS } from '../recorder.js';
import { GEMINI_HOOKS } from './hooks.js';
import { GEMINI_SESSION_FILES } from './session-files.js';
import { GEMINI_SETTINGS } from './settings.js';
import { GeminiStream, isGeminiLine } from './stream.js';
import { GeminiTranscript, isGeminiTranscriptLine } from './transcript.js';

export const GEMINI: AgentDefinition = {
  stream: {
    name: 'gemini',
    kind: 'stream',
    describe: `gemini --output-format stream-json: ${AGENT_EVENTS}`,
    isProgram: (name, args) => name === 'gemini' && hasWord(args, 'stream-json'),
    isLine: isGeminiLine,
    create: (options) => new GeminiStream(options),
  },
  transcript: {
    name: 'gemini-transcript',
    kind: 'transcript',
    describe: `session files of Gemini CLI: ${AGENT_EVENTS}`,
    isLine: isGeminiTranscriptLine,
    create: (options) => new GeminiTranscript(options),
  },
  hooks: GEMINI_HOOKS,
  settings: GEMINI_SETTINGS,
  sessions: GEMINI_SESSION_FILES,
  directory: (env, home) => path.join(env['GEMINI_CLI_HOME'] || home, '.gemini'),
  packagePath: '/gemini-cli/',
  hasOneSession: true,
};
