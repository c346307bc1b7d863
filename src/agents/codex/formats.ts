/** The formats of Codex: what it prints, and its session files. */
import type { Format } from '../../formats/format.js';
import { hasWord } from '../../formats/format.js';
import { AGENT_EVENTS } from '../recorder.js';
import { createCodexRollout, isCodexRolloutLine } from './rollout.js';
import { createCodex, isCodexLine } from './stream.js';

export const CODEX_FORMATS: readonly Format[] = [
  {
    name: 'codex',
    kind: 'stream',
    describe: `codex exec --json: ${AGENT_EVENTS}, sub-agents, warnings`,
    isProgram: (name, args) => name === 'codex' && (hasWord(args, '--json') || hasWord(args, '--experimental-json')),
    isLine: isCodexLine,
    create: createCodex,
  },
  {
    name: 'codex-rollout',
    kind: 'transcript',
    describe: `session files of Codex: ${AGENT_EVENTS}, durations`,
    isLine: isCodexRolloutLine,
    create: createCodexRollout,
  },
];
