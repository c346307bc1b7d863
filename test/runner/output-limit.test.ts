import t from 'tap';
import { createOutputLimit } from '../../src/runner/output-limit.js';
import type { OutputPiece } from '../../src/runner/output.js';
import { createOutputSplitter, PIECE_BYTES } from '../../src/runner/output.js';

const KIB = 1024;
const MIB = 1024 * KIB;

/** Kept output in order: the texts of pieces, and marks in brackets. */
function open(bytes: number) {
  const kept: string[] = [];
  const limit = createOutputLimit({
    bytes,
    keep: ({ content, part }: OutputPiece) => kept.push(content.toString('latin1') + (part ? '' : '\n')),
    mark: (text) => kept.push(`${text}\n`),
  });
  return { limit, kept, pieces: createOutputSplitter('stdout', (piece) => limit.take(piece)) };
}

function piece(text: string, part?: OutputPiece['part']): OutputPiece {
  return { stream: 'stdout', content: Buffer.from(text), newlines: 0, line: 1, time: '', ...(part && { part }) };
}

t.test('up to the limit everything is kept, without a mark', (t) => {
  const { limit, kept, pieces } = open(MIB);
  pieces.push(Buffer.from('one\ntwo\n'));
  pieces.end();
  limit.end();
  t.strictSame(kept, ['one\ntwo\n']);
  t.end();
});

t.test('output that exceeds the first part, but fits into the last one, is complete', (t) => {
  const { limit, kept } = open(400);
  const texts = Array.from({ length: 39 }, (_, n) => `line ${n}`.padEnd(10, '.'));
  for (const text of texts) limit.take(piece(text));
  limit.end();
  t.strictSame(kept.filter((text) => !text.startsWith('[')).join(''), texts.map((text) => `${text}\n`).join(''));
  t.notMatch(kept.join(''), /left out/);
  t.end();
});

t.test('beyond the limit: the first part, a mark with the amount left out, the last part', (t) => {
  const { limit, kept, pieces } = open(MIB);
  const count = 500_000;
  const line = (n: number) => String(n).padStart(7, '0');
  for (let n = 0; n < count; n += 5_000) {
    pieces.push(Buffer.from(Array.from({ length: 5_000 }, (_, at) => `${line(n + at)}\n`).join('')));
  }
  pieces.end();
  limit.end();

  const marks = kept.flatMap((text, at) => (text.startsWith('[') ? [at] : []));
  t.equal(marks.length, 2);
  const [first, left] = marks as [number, number];
  t.match(kept[first], /^\[output limit: after \d+ KiB only the last 256 KiB is recorded, when the run ends\]\n$/);
  const before = kept.slice(0, first).join('').split('\n').slice(0, -1);
  const after = kept
    .slice(left + 1)
    .join('')
    .split('\n')
    .slice(0, -1);
  t.equal(left, first + 1, 'what comes last waits for the end');
  t.equal(before[0], line(0));
  t.equal(before.at(-1), line(before.length - 1), 'the first part is without gaps');
  t.equal(after.at(-1), line(count - 1));
  t.equal(after[0], line(count - after.length), 'and so is the last');
  const missing = count - before.length - after.length;
  t.equal(kept[left], `[2.8 MiB of output omitted here: ${missing.toLocaleString('en-US')} lines]\n`);
  t.ok(kept.join('').length <= MIB + 2 * PIECE_BYTES, `${kept.join('').length} bytes`);
  t.ok(before.length * 8 >= 768 * KIB - PIECE_BYTES);
  t.ok(after.length * 8 >= 256 * KIB, 'not less than was said');
  t.end();
});

t.test('a limit smaller than one piece keeps a last part, too', (t) => {
  const { limit, kept, pieces } = open(64 * KIB);
  pieces.push(Buffer.from('0123456\n'.repeat(100_000)));
  pieces.push(Buffer.from('the end\n'));
  pieces.end();
  limit.end();
  t.match(kept[0], /^0123456\n/);
  t.match(kept.at(-1), /the end\n$/);
  t.ok(kept.join('').length <= 64 * KIB + PIECE_BYTES);
  t.end();
});

t.test('an unfinished line counts once, however many pieces it has', (t) => {
  const { limit, kept } = open(100);
  limit.take(piece('x'.repeat(60)));
  for (let n = 0; n < 10; n++) limit.take(piece('y'.repeat(50), 'continued'));
  limit.take(piece('y'.repeat(50)));
  limit.take(piece('z'.repeat(50)));
  limit.end();
  t.match(kept[2], /^\[550 B of output omitted here: 1 line\]/);
  t.equal(kept.at(-1), `${'z'.repeat(50)}\n`);
  t.end();
});

t.test('memory does not grow with the output', (t) => {
  const { limit, pieces } = open(256 * MIB);
  const chunk = Buffer.alloc(64 * KIB, 'x');
  // like the output of a child: each chunk has separate memory
  const push = (mebibytes: number) => {
    for (let n = 0; n < mebibytes * 16; n++) pieces.push(Buffer.from(chunk));
  };
  push(256);
  globalThis.gc?.();
  const before = process.memoryUsage().arrayBuffers;
  push(512);
  globalThis.gc?.();
  const grown = process.memoryUsage().arrayBuffers - before;
  t.ok(grown < 96 * MIB, `${Math.round(grown / MIB)} MiB more after 512`);
  pieces.end();
  limit.end();
  t.end();
});
