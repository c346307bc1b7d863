/** Claude Code. */
import path from 'node:path';
import { hasWord } from '../../formats/format.js';
import type { AgentDefinition } from '../agent.js';
import { AGENT_EVENTS } from '../recorder.js';
import { CLAUDE_HOOKS } from './hooks.js';
import { ClaudeProcesses } from './process-registry.js';
import { CLAUDE_SESSION_FILES } from './session-files.js';
import { CLAUDE_SETTINGS } from './settings.js';
import { ClaudeStream, isClaudeLine } from './stream.js';
import { ClaudeTranscript, isClaudeTranscriptLine } from './transcript.js';

export const CLAUDE: AgentDefinition = {
  stream: {
    name: 'claude',
    kind: 'stream',
    describe: `claude -p --output-format stream-json --verbose: ${AGENT_EVENTS}, cost, sub-agents, questions, retries`,
    isProgram: (name, args) => name === 'claude' && hasWord(args, 'stream-json'),
    isLine: isClaudeLine,
    create: (options) => new ClaudeStream(options),
  },
  transcript: {
    name: 'claude-transcript',
    kind: 'transcript',
    describe: `session files of Claude Code: ${AGENT_EVENTS}`,
    isLine: isClaudeTranscriptLine,
    create: (options) => new ClaudeTranscript(options),
  },
  hooks: CLAUDE_HOOKS,
  settings: CLAUDE_SETTINGS,
  sessions: CLAUDE_SESSION_FILES,
  directory: (env, home) => env['CLAUDE_CONFIG_DIR'] || path.join(home, '.claude'),
  packagePath: '/claude-code/',
  hasOneSession: true,
  openProcessRegistry: (directory) => new ClaudeProcesses({ directory: path.resolve(directory, 'sessions') }),
};
