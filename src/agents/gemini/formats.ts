/** The formats of Gemini CLI: what it prints, and its session files. */
import type { Format } from '../../formats/format.js';
import { hasWord } from '../../formats/format.js';
import { AGENT_EVENTS } from '../recorder.js';
import { createGemini, isGeminiLine } from './stream.js';
import { createGeminiTranscript, isGeminiTranscriptLine } from './transcript.js';

export const GEMINI_FORMATS: readonly Format[] = [
  {
    name: 'gemini',
    kind: 'stream',
    describe: `gemini --output-format stream-json: ${AGENT_EVENTS}`,
    isProgram: (name, args) => name === 'gemini' && hasWord(args, 'stream-json'),
    isLine: isGeminiLine,
    create: createGemini,
  },
  {
    name: 'gemini-transcript',
    kind: 'transcript',
    describe: `session files of Gemini CLI: ${AGENT_EVENTS}`,
    isLine: isGeminiTranscriptLine,
    create: createGeminiTranscript,
  },
];
