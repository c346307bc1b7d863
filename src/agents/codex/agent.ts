/** Codex. */
import path from 'node:path';
import { hasWord } from '../../formats/format.js';
import type { AgentDefinition } from '../agent.js';
import { AGENT_EVENTS } from '../recorder.js';
import { CODEX_HOOKS } from './hooks.js';
import { CODEX_SESSION_FILES } from './session-files.js';
import { CODEX_SETTINGS } from './settings.js';
import { CodexStream, isCodexLine } from './stream.js';
import { CodexTranscript, isCodexTranscriptLine } from './transcript.js';

export const CODEX: AgentDefinition = {
  stream: {
    name: 'codex',
    kind: 'stream',
    describe: `codex exec --json: ${AGENT_EVENTS}, sub-agents, warnings`,
    isProgram: (name, args) => name === 'codex' && (hasWord(args, '--json') || hasWord(args, '--experimental-json')),
    isLine: isCodexLine,
    create: (options) => new CodexStream(options),
  },
  transcript: {
    name: 'codex-rollout',
    kind: 'transcript',
    describe: `session files of Codex: ${AGENT_EVENTS}, durations`,
    isLine: isCodexTranscriptLine,
    create: (options) => new CodexTranscript(options),
  },
  hooks: CODEX_HOOKS,
  settings: CODEX_SETTINGS,
  sessions: CODEX_SESSION_FILES,
  directory: (env, home) => env['CODEX_HOME'] || path.join(home, '.codex'),
  packagePath: '/@openai/codex',
  hasOneSession: false,
};
