/** The table of formats: what each yields, and how it is told from others. `--format NAME` picks one. */
import { ProgressError } from '../core/errors.js';
import { createClaude, isClaudeLine } from '../agents/claude/stream.js';
import { createClaudeTranscript, isClaudeTranscriptLine } from '../agents/claude/transcript.js';
import { createCodex, isCodexLine } from '../agents/codex/stream.js';
import { createCodexRollout, isCodexRolloutLine } from '../agents/codex/rollout.js';
import { createGemini, isGeminiLine } from '../agents/gemini/stream.js';
import { createGeminiTranscript, isGeminiTranscriptLine } from '../agents/gemini/transcript.js';
import { createGoTest } from './go-test.js';
import { createGroups } from './groups.js';
import type { Json } from './json.js';
import { parseObject } from './json.js';
import { createMeters } from './meters.js';
import { createOscProgress } from './osc-progress.js';
import type { Parser, ParserOptions } from './parser.js';
import { createTap } from './tap.js';

export interface Format {
  name: string;
  /**
   * `stream`: an agent's JSON, whose lines become events. `transcript`: the same in a file of its own.
   * `text`: output for people, which stays as it is beside what is read in it.
   */
  kind: 'stream' | 'transcript' | 'text';
  /** What it is, and what comes of it, in a few words. */
  describe: string;
  /** Is this the command line of a program that speaks it? */
  isProgram?: (name: string, args: readonly string[]) => boolean;
  /** Can this line only be of this format? */
  isLine?: (line: Json) => boolean;
  /** Until it is sure, it finds nothing in a text that has none of these. */
  marks?: readonly string[];
  /** It may be wrong, and gives way to those that cannot. */
  isGuess?: true;
  create: (options?: ParserOptions) => Parser;
}

const AGENT = 'messages, tool calls, plan, tokens, outcome';

export const FORMATS: readonly Format[] = [
  {
    name: 'claude',
    kind: 'stream',
    describe: `claude -p --output-format stream-json --verbose: ${AGENT}, cost, sub-agents, questions, retries`,
    isProgram: (name, args) => name === 'claude' && has(args, 'stream-json'),
    isLine: isClaudeLine,
    create: createClaude,
  },
  {
    name: 'codex',
    kind: 'stream',
    describe: `codex exec --json: ${AGENT}, sub-agents, warnings`,
    isProgram: (name, args) => name === 'codex' && (has(args, '--json') || has(args, '--experimental-json')),
    isLine: isCodexLine,
    create: createCodex,
  },
  {
    name: 'gemini',
    kind: 'stream',
    describe: `gemini --output-format stream-json: ${AGENT}`,
    isProgram: (name, args) => name === 'gemini' && has(args, 'stream-json'),
    isLine: isGeminiLine,
    create: createGemini,
  },
  {
    name: 'claude-transcript',
    kind: 'transcript',
    describe: `session files of Claude Code: ${AGENT}`,
    isLine: isClaudeTranscriptLine,
    create: createClaudeTranscript,
  },
  {
    name: 'codex-rollout',
    kind: 'transcript',
    describe: `session files of Codex: ${AGENT}, durations`,
    isLine: isCodexRolloutLine,
    create: createCodexRollout,
  },
  {
    name: 'gemini-transcript',
    kind: 'transcript',
    describe: `session files of Gemini CLI: ${AGENT}`,
    isLine: isGeminiTranscriptLine,
    create: createGeminiTranscript,
  },
  {
    name: 'osc',
    kind: 'text',
    describe: 'OSC 9;4, the progress of a taskbar: percent',
    marks: ['\u001b]9;4;'],
    create: createOscProgress,
  },
  {
    name: 'groups',
    kind: 'text',
    describe: '::group:: and ##[group]: steps; ::error:: and the like: messages',
    marks: ['::', '##['],
    create: createGroups,
  },
  {
    name: 'tap',
    kind: 'text',
    describe: 'Test Anything Protocol: a step for each test, tests of all',
    marks: ['TAP version', '1..', 'ok'],
    create: createTap,
  },
  {
    name: 'go-test',
    kind: 'text',
    describe: 'go test -json: a step for each package and test',
    marks: ['{'],
    create: createGoTest,
  },
  {
    name: 'meters',
    kind: 'text',
    describe: 'NN%, [n/m], (n/m), the columns of curl: percent, once one has grown twice',
    isGuess: true,
    marks: ['%', '/', ':'],
    create: createMeters,
  },
];

/** Neither a name of a format: look for one, and do not look at all. */
export const AUTO = 'auto';
export const PLAIN = 'plain';

/** What may be asked for of a command's output. */
export const CHOICES: readonly Pick<Format, 'name' | 'describe'>[] = [
  { name: AUTO, describe: 'whatever is recognised: the default' },
  { name: PLAIN, describe: 'nothing is looked for' },
  ...FORMATS.filter(({ kind }) => kind !== 'transcript'),
];

export function findFormat(name: string): Format | undefined {
  return FORMATS.find((one) => one.name === name);
}

/** @throws ProgressError `usage` for a name that is none. */
export function formatNamed(name: string): Format {
  const format = findFormat(name);
  if (format) return format;
  const names = [AUTO, PLAIN, ...FORMATS.map((one) => one.name)].join(', ');
  throw new ProgressError('usage', `--format: "${name}" is none of ${names}`);
}

/** The format of a program that was told to speak it, be it started by another: `npx`, `env`, `timeout 10m`. */
export function formatOfProgram(argv: readonly string[]): Format | undefined {
  for (let at = 0; at < Math.min(argv.length, MAX_WRAPPING_WORDS); at++) {
    const name = argv[at]?.replace(/^.*\//, '') ?? '';
    const args = argv.slice(at + 1);
    const format = FORMATS.find(({ kind, isProgram }) => kind === 'stream' && isProgram?.(name, args));
    if (format) return format;
  }
  return undefined;
}

const MAX_WRAPPING_WORDS = 6;

/** The format of this kind that alone has such lines. */
export function formatOfLine(text: string, kind: Format['kind']): Format | undefined {
  const line = parseObject(text);
  return line && FORMATS.find((format) => format.kind === kind && format.isLine?.(line));
}

function has(args: readonly string[], word: string): boolean {
  return args.some((arg) => arg === word || arg.endsWith(`=${word}`));
}
