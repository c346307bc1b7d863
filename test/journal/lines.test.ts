import t from 'tap';
import { decodeLines, type ByteRange, parseEvent, peekSeq } from '../../src/journal/lines.js';
import { containing } from '../../src/journal/search.js';
import type { Gap } from '../../src/api/messages.js';
import { makeBatch } from '../helpers/journal.js';

const ALL: ByteRange = { before: 99, below: 2 ** 52, after: 0, through: 2 ** 52 };

function decode(input: string | Buffer, range: Partial<ByteRange> = {}) {
  const seqs: number[] = [];
  const gaps: [number, number][] = [];
  const damage: [number, number][] = [];
  const last = decodeLines(
    Buffer.from(input),
    { ...ALL, ...range },
    {
      event: ({ seq }) => seqs.push(seq),
      gap: ({ from, to }: Gap) => gaps.push([from, to]),
      damage: (start, end) => damage.push([start, end]),
    },
  );
  return { seqs, gaps, damage, last };
}

function linesOf(...seqs: number[]): string[] {
  return seqs.map((seq) => makeBatch(seq, 1).lines.join());
}

function joined(lines: string[]): string {
  return lines.map((line) => line + '\n').join('');
}

t.test('whole lines become events', async (t) => {
  t.strictSame(decode(joined(linesOf(100, 101, 105))), { seqs: [100, 101, 105], gaps: [], damage: [], last: 105 });
});

t.test('only wanted lines are passed on', async (t) => {
  const text = joined(linesOf(100, 101, 102, 103));
  t.strictSame(decode(text, { after: 100, through: 102 }).seqs, [101, 102]);
  t.strictSame(decode(text, { search: containing('"seq":102') }).seqs, [102]);
});

t.test('a damaged line is a gap, its neighbours are not', async (t) => {
  const lines = linesOf(100, 101, 102);
  lines[1] = lines[1]!.replace('"data":{', '"data":[');
  const found = decode(joined(lines));
  t.strictSame(found.seqs, [100, 102]);
  t.strictSame(found.gaps, [[101, 101]]);
  t.strictSame(found.damage, [[lines[0]!.length + 1, lines[0]!.length + lines[1].length + 2]]);
});

t.test('damage at the end is a gap up to where the next lines begin', async (t) => {
  t.strictSame(decode(joined([...linesOf(100), 'x']), { below: 105 }).gaps, [[101, 104]]);
  t.strictSame(decode(joined([...linesOf(100), 'x']), { below: 101 }).gaps, [], 'nothing can have stood there');
});

t.test('a seq that is too high does not hide the lines after it', async (t) => {
  const found = decode(joined(linesOf(100, 901, 102, 103)));
  t.strictSame(found.seqs, [100, 102, 103]);
  t.strictSame(found.gaps, [[101, 101]]);
  t.strictSame(decode(joined(linesOf(900, 101, 102))).seqs, [101, 102], 'in the first line');
  t.strictSame(decode(joined(linesOf(100, 101, 900)), { below: 103 }).seqs, [100, 101], 'in the last line');
  t.strictSame(decode(joined(linesOf(100, 2 ** 52 + 1, 102))).seqs, [100, 102], 'beyond all reason');
});

t.test('a seq that is too low costs that line alone', async (t) => {
  t.strictSame(decode(joined(linesOf(100, 101, 42, 103))).seqs, [100, 101, 103]);
  t.strictSame(decode(joined(linesOf(100, 101, 101, 103))).seqs, [100, 101, 103]);
});

t.test('two lines whose newline is damaged are both read', async (t) => {
  const [a, b, c] = linesOf(100, 101, 102);
  for (const byte of ['*', 'J', '\x0b', '\x00', ' ']) {
    const text = `${a}${byte}${b}\n${c}\n`;
    t.strictSame(decode(text).seqs, [100, 101, 102], JSON.stringify(byte));
    t.strictSame(decode(text, { after: 100 }).seqs, [101, 102], 'also when only the second is wanted');
  }
});

t.test('a line after a run of NULs is read', async (t) => {
  const [a, b, c] = linesOf(100, 101, 102);
  const found = decode(`${a}\n${'\0'.repeat(5000)}${b}\n${c}\n`);
  t.strictSame(found.seqs, [100, 101, 102]);
  t.strictSame(found.damage.length, 1);
});

t.test('a nested object that looks like a line is not one', async (t) => {
  const line = `{"seq":101,"time":"t","type":"log","data":{"a":{"seq":500,"time":"t","type":"log","data":{}}`;
  t.strictSame(decode(joined([...linesOf(100), line, ...linesOf(102)])).seqs, [100, 102]);
});

t.test('a last line without a newline is damage', async (t) => {
  const found = decode(joined(linesOf(100)) + linesOf(101).join());
  t.strictSame(found.seqs, [100]);
  t.equal(found.damage.length, 1);
});

t.test('the seq of a line is read from its first bytes', async (t) => {
  t.equal(peekSeq(Buffer.from('{"seq":1790000000000001,"time"'), 0), 1790000000000001);
  for (const text of [
    '',
    '{"seq":',
    '{"seq":,',
    '{"seq":12',
    '{"seq":12}',
    '{"seq":-1,',
    '{"seq":0,',
    '{"sex":1,',
    `{"seq":${2 ** 52},`,
  ]) {
    t.ok(Number.isNaN(peekSeq(Buffer.from(text), 0)), JSON.stringify(text));
  }
});

t.test('JSON that is not an event is rejected', async (t) => {
  for (const text of [
    'null',
    '1',
    '[]',
    '{}',
    '{"seq":"1"}',
    '{"seq":1,"time":"t","type":"x"}',
    '{"seq":1,"time":1}',
    '',
  ]) {
    t.equal(parseEvent(text), undefined, text);
  }
});
