import t from 'tap';
import type { FinalStatus } from '../../src/core/events/event.js';
import { textOf } from '../../src/core/events/event.js';
import { outputData } from '../../src/runner/output.js';
import type { OutputReaderOptions } from '../../src/runner/output-reader.js';
import { createOutputReader, createReadOrder } from '../../src/runner/output-reader.js';
import { resolveOutcome } from '../../src/formats/parser.js';
import { bytesOf, linesOf } from '../helpers/replay.js';

const CLAUDE = ['claude', '-p', '--output-format', 'stream-json'];
const say = (text: string) =>
  JSON.stringify({ type: 'assistant', message: { content: [{ type: 'text', text }] }, session_id: 's' });
const call = (id: string) =>
  JSON.stringify({
    type: 'assistant',
    message: { content: [{ type: 'tool_use', id, name: 'Bash', input: { command: 'ls' } }] },
    session_id: 's',
  });
const failure = JSON.stringify({ type: 'result', subtype: 'error_during_execution', is_error: true, session_id: 's' });
/** Recognised, without events. */
const nothing = JSON.stringify({ type: 'stream_event', event: { type: 'ping' }, session_id: 's' });
const toBytes = (...lines: string[]) => Buffer.from(lines.map((line) => `${line}\n`).join(''));

interface Read {
  /** Recorded events in order: `stdout: text`, `debug: text`, `activity: text`. */
  recorded: string[];
  /** The text that a person sees. */
  shown: string;
  claim: ReturnType<typeof createOutputReader>['claim'];
}

/** The source reuses one buffer for all chunks. */
function read(
  chunks: readonly Buffer[],
  options: Partial<OutputReaderOptions> = {},
  status: FinalStatus = 'completed',
): Read {
  const recorded: string[] = [];
  const reading = createOutputReader({
    argv: CLAUDE,
    format: undefined,
    stream: 'stdout',
    isTerminal: false,
    onPiece: (piece) => recorded.push(`${piece.stream}: ${String(outputData(piece)['text'])}`),
    emit: ({ type, data }) =>
      recorded.push(`${type}: ${textOf(data, 'text') ?? textOf(data, 'tool') ?? textOf(data, 'name') ?? ''}`),
    ...options,
  });
  const room = Buffer.alloc(Math.max(...chunks.map(({ length }) => length)));
  let shown = '';
  for (const chunk of chunks) {
    chunk.copy(room);
    const part = room.subarray(0, chunk.length);
    for (const text of reading.push(part) ?? [part]) shown += String(text);
    room.fill('#');
  }
  for (const text of reading.end(status)) shown += String(text);
  return { recorded, shown, claim: reading.claim };
}

/** As one chunk, as lines, and byte by byte. */
const waysOf = (content: Buffer) => [[content], linesOf(content), bytesOf(content)];

const render: OutputReaderOptions['render'] = ({ type, data }) =>
  type === 'activity' ? `<${String(data['text'] ?? data['tool'])}>\n` : '';

t.test('lines of two outputs are recorded in the order in which they were read', (t) => {
  const recorded: string[] = [];
  const open = (stream: 'stdout' | 'stderr') =>
    createOutputReader({
      argv: ['make'],
      format: 'plain',
      stream,
      isTerminal: false,
      onPiece: (piece) => recorded.push(`${piece.stream}: ${String(outputData(piece)['text'])}`),
      emit: () => undefined,
    });
  const readings = [open('stdout'), open('stderr')] as const;
  const inOrder = createReadOrder();
  const [stdout, stderr] = readings.map(inOrder);
  stdout?.push(toBytes('one', 'two'));
  stderr?.push(toBytes('three'));
  stdout?.push(toBytes('four'));
  for (const reading of readings) reading.end('completed');
  t.strictSame(recorded, ['stdout: one\ntwo', 'stderr: three', 'stdout: four']);
  t.end();
});

t.test('lines, debug output and events are recorded in the order of the output', async (t) => {
  const content = toBytes('before', nothing, 'between', say('hello'), nothing, call('c1'), 'after');
  for (const chunks of waysOf(content)) {
    const { recorded } = read(chunks);
    t.strictSame(recorded, [
      'stdout: before',
      `debug: ${nothing}`,
      'stdout: between',
      'activity: hello',
      `debug: ${nothing}`,
      'activity: Bash',
      'step_started: Bash: ls',
      'stdout: after',
      'step_cancelled: ',
    ]);
  }
});

t.test('a person sees text for the lines of an agent, and all other lines once', async (t) => {
  const content = toBytes('before', nothing, '{ no JSON', say('hello'), 'a line of an innocent program', call('c1'));
  for (const chunks of waysOf(content)) {
    const { shown } = read(chunks, { render });
    t.equal(shown, 'before\n{ no JSON\n<hello>\na line of an innocent program\n<Bash>\n');
  }
});

t.test('an unfinished line is shown when no more output arrives', async (t) => {
  const unterminated = Buffer.concat([toBytes(say('one')), Buffer.from(say('two'))]);
  for (const chunks of waysOf(unterminated)) t.equal(read(chunks, { render }).shown, '<one>\n<two>\n');
  const torn = Buffer.from(say('torn')).subarray(0, -9);
  for (const chunks of waysOf(torn)) t.equal(read(chunks, { render }).shown, String(torn));
});

t.test('without a text form everything is shown unchanged', async (t) => {
  const content = toBytes('before', nothing, say('hello'), 'after');
  for (const chunks of waysOf(content)) t.equal(read(chunks).shown, String(content));
  for (const chunks of waysOf(content)) t.equal(read(chunks, { isTerminal: true }).shown, String(content));
});

t.test('carriage returns of the terminal are removed from lines; others are kept', async (t) => {
  const content = Buffer.from(`${say('hello')}\r\n10%\r20%\r\nlast\r`);
  const recorded = ['activity: hello', 'stdout: 10%\r20%', 'stdout: last\r'];
  for (const chunks of waysOf(content)) {
    const found = read(chunks, { isTerminal: true, render });
    t.equal(found.shown, '<hello>\n10%\r20%\nlast\r');
    t.strictSame(found.recorded, recorded);
  }
  const pipe = read([Buffer.from('windows\r\n')], { argv: ['cat'] });
  t.strictSame(pipe.recorded, ['stdout: windows\r']);
});

t.test('an outcome reported by the output overrides exit status 0', async (t) => {
  const { claim, recorded } = read([toBytes(call('c1'), failure)]);
  t.equal(resolveOutcome('completed', claim).status, 'failed');
  t.ok(recorded.includes('step_cancelled: '), 'a call that was open is closed');
  t.equal(resolveOutcome('cancelled', claim).status, 'cancelled', 'who stopped it knows better');
  t.equal(read([toBytes('no agent')], { argv: ['cat'] }).claim, undefined);
});
