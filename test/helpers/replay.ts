/** Feeds output of a program to the interpreter, and folds the events. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { FinalStatus } from '../../src/core/events/event.js';
import type { ExecutionJson } from '../../src/core/execution.js';
import { executionToJson } from '../../src/core/execution.js';
import { fold } from '../../src/core/fold.js';
import { emptyState, findExecution } from '../../src/core/state/state.js';
import type { TimedEvent } from '../../src/formats/interpreter.js';
import { FORMATS } from '../../src/agents/formats.js';
import { createInterpreter } from '../../src/formats/interpreter.js';
import type { ReportedOutcome } from '../../src/formats/parser.js';

const RECORDINGS = path.resolve(import.meta.dirname, '../fixtures/recordings');
/** They replay texts of another project, so they are not part of this one. */
export const GEMINI_RECORDINGS = path.resolve(import.meta.dirname, '../../../shared/recordings/gemini-stream');
export const NOW = Date.parse('2026-11-20T12:00:00.000Z');

export interface Replayed {
  events: TimedEvent[];
  /** All bytes that were kept, in either channel. */
  kept: Buffer;
  /** The text that people are shown as output. */
  text: string;
  claim: ReportedOutcome | undefined;
  isOver: boolean;
  format: string | undefined;
  execution: ExecutionJson;
}

export interface ReplayOptions {
  argv?: readonly string[];
  format?: string;
  /** Working directory of the command. */
  cwd?: string;
  status?: FinalStatus;
  /** Between two chunks, in milliseconds. */
  stepMs?: number;
}

export function replay(chunks: Iterable<Buffer>, options: ReplayOptions = {}): Replayed {
  const { argv = ['program'], format, cwd, status = 'completed', stepMs = 0 } = options;
  const events: TimedEvent[] = [];
  const kept: Buffer[] = [];
  const texts: Buffer[] = [];
  let now = NOW;
  const interpreter = createInterpreter({
    formats: FORMATS,
    argv,
    format,
    cwd,
    sink: {
      keep(bytes, channel) {
        const copy = Buffer.from(bytes);
        kept.push(copy);
        if (channel === 'text') texts.push(copy);
      },
      emit(event) {
        events.push(event);
        const { raw, unterminated } = event.data;
        if (typeof raw === 'string') kept.push(Buffer.from(unterminated === true ? raw : `${raw}\n`));
      },
    },
  });
  for (const chunk of chunks) interpreter.push(chunk, (now += stepMs));
  interpreter.end(status, now);
  return {
    events,
    kept: Buffer.concat(kept),
    text: Buffer.concat(texts).toString(),
    claim: interpreter.claim,
    isOver: interpreter.isOver,
    format: interpreter.format?.name,
    execution: foldAll(events, now),
  };
}

function foldAll(events: readonly TimedEvent[], now: number): ExecutionJson {
  const state = emptyState();
  const whole = [
    { type: 'execution_started', time: new Date(NOW).toISOString(), data: { kind: 'run' } },
    ...events,
    { type: 'execution_completed', time: new Date(now).toISOString(), data: {} },
  ];
  whole.forEach((event, index) => fold(state, { ...event, seq: index + 1, execution: 'e' }));
  return executionToJson(findExecution(state, 'e')!);
}

/** The part of the state that does not depend on chunks, or on lines without meaning. */
export function finalState({ execution, claim }: Replayed): unknown {
  const { lastSeq: _lastSeq, tail, ...rest } = execution;
  return JSON.parse(JSON.stringify({ ...rest, tail, claim })) as unknown;
}

/** Splits lines with their newlines; the last one may have none. */
export function linesOf(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let start = 0; start < bytes.length;) {
    const newline = bytes.indexOf(0x0a, start);
    const end = newline === -1 ? bytes.length : newline + 1;
    lines.push(bytes.subarray(start, end));
    start = end;
  }
  return lines;
}

export function bytesOf(bytes: Buffer): Buffer[] {
  return Array.from({ length: bytes.length }, (_, at) => bytes.subarray(at, at + 1));
}

export interface Recording {
  name: string;
  content: Buffer;
  /** Session files are not recognised by their lines, since their reader knows the format. */
  format: string | undefined;
}

/** All available recordings, under names such as `claude-stream/rec-2.1.197-full.jsonl`. */
export function recordings(): Recording[] {
  return [...ours(), ...geminis()];
}

function geminis(): Recording[] {
  if (!existsSync(GEMINI_RECORDINGS)) return [];
  return readdirSync(GEMINI_RECORDINGS)
    .filter((name) => name.endsWith('.jsonl'))
    .map((name) => ({
      name: `gemini-stream/${name}`,
      content: readFileSync(path.join(GEMINI_RECORDINGS, name)),
      format: undefined,
    }));
}

function ours(): Recording[] {
  return readdirSync(RECORDINGS, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(?:jsonl|json|txt|tap|log|stderr)$/.test(name) && !/\.meta\.json$|^truth/.test(name))
    .sort()
    .map((name) => ({
      name,
      content: readFileSync(path.join(RECORDINGS, name)),
      format: TRANSCRIPTS[name.split(path.sep)[0] ?? ''],
    }));
}

const TRANSCRIPTS: Readonly<Record<string, string | undefined>> = {
  'claude-transcripts': 'claude-transcript',
  'codex-rollouts': 'codex-rollout',
};

/** Contents of a recording, counted by hand: tool `calls`, final `progress`, reported `outcome`. */
export type Truth = Readonly<Record<string, Readonly<Record<string, string | number>>>>;

export const TRUTH = JSON.parse(readFileSync(path.join(RECORDINGS, 'truth.json'), 'utf8')) as Truth;

/** The same, as found. */
export function foundIn({ events, execution, claim }: Replayed): Record<string, string | number | undefined> {
  const { steps, progress, usage: { tokens = 0, costUsd = 0 } = {} } = execution;
  return {
    calls: events.filter(({ data }) => data['kind'] === 'tool-call').length,
    steps: steps.length,
    failed: steps.filter(({ status }) => status === 'failed').length,
    tokens,
    costUsd,
    outcome: claim?.status,
    progress: progress && `${progress.current ?? '?'}/${progress.total ?? '?'}`,
  };
}

/** The same line with reversed keys, at every depth; other lines are unchanged. */
export function shuffleKeys(line: Buffer): Buffer {
  const text = line.toString();
  try {
    return Buffer.from(`${JSON.stringify(reverse(JSON.parse(text)))}${text.endsWith('\n') ? '\n' : ''}`);
  } catch {
    return line;
  }
}

function reverse(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reverse);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, inner]) => [key, reverse(inner)]),
  );
}
