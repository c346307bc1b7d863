/** The formats of Claude Code: what it prints, and its session files. */
import type { Format } from '../../formats/format.js';
import { hasWord } from '../../formats/format.js';
import { AGENT_EVENTS } from '../recorder.js';
import { createClaude, isClaudeLine } from './stream.js';
import { createClaudeTranscript, isClaudeTranscriptLine } from './transcript.js';

export const CLAUDE_FORMATS: readonly Format[] = [
  {
    name: 'claude',
    kind: 'stream',
    describe: `claude -p --output-format stream-json --verbose: ${AGENT_EVENTS}, cost, sub-agents, questions, retries`,
    isProgram: (name, args) => name === 'claude' && hasWord(args, 'stream-json'),
    isLine: isClaudeLine,
    create: createClaude,
  },
  {
    name: 'claude-transcript',
    kind: 'transcript',
    describe: `session files of Claude Code: ${AGENT_EVENTS}`,
    isLine: isClaudeTranscriptLine,
    create: createClaudeTranscript,
  },
];
