import t from 'tap';
import type { EventData } from '../../src/core/events/event.js';
import { EventMasker, maskOutput } from '../../src/core/mask/mask.js';
import { countNewlines, createOutputSplitter, outputData, PIECE_BYTES } from '../../src/runner/output.js';
import { createRandom } from '../helpers/random.js';
import { waitFor } from '../helpers/wait.js';

function open() {
  const said: { data: EventData; time: string; at: number }[] = [];
  const pieces = createOutputSplitter('stdout', (piece) =>
    said.push({ data: outputData(piece), time: piece.time, at: performance.now() }),
  );
  return { pieces, said, texts: () => said.map(({ data }) => data['text'] ?? data['base64']) };
}

/** The output of the child, restored from the events. */
function restore(said: { data: EventData }[]): Buffer {
  return Buffer.concat(
    said.map(({ data }) => {
      const bytes =
        typeof data['text'] === 'string' ? Buffer.from(data['text']) : Buffer.from(String(data['base64']), 'base64');
      const isCut = data['continued'] === true || data['unterminated'] === true;
      return isCut ? bytes : Buffer.concat([bytes, Buffer.from('\n')]);
    }),
  );
}

t.test('lines that arrive together are one event, at most about 100 ms late', async (t) => {
  const { pieces, said, texts } = open();
  const begun = performance.now();
  pieces.push(Buffer.from('one\ntwo\nthr'));
  t.equal(said.length, 0);
  pieces.push(Buffer.from('ee\nfo'));
  await waitFor('the lines', () => said.length > 0);
  t.strictSame(texts(), ['one\ntwo\nthree']);
  t.ok(said[0]!.at - begun < 1_000, 'generous, for a busy machine');
  t.ok(said[0]!.at - begun > 50, 'they wait for others');
  t.ok(Date.parse(said[0]!.time) <= Date.now() - 50, 'their time is that of the first, not of the saying');
  pieces.end();
  t.match(said[1]!.data, { stream: 'stdout', line: 4, text: 'fo', unterminated: true });
});

t.test('a line is not delayed by later ones', async (t) => {
  const { pieces, said } = open();
  const begun = performance.now();
  const timer = setInterval(() => pieces.push(Buffer.from('tick\n')), 5);
  t.teardown(() => clearInterval(timer));
  await waitFor('the first', () => said.length > 0);
  t.ok(performance.now() - begun < 20_000);
});

t.test('an incomplete line waits for its end, however long', async (t) => {
  const { pieces, said, texts } = open();
  pieces.push(Buffer.from('whole\nPassword: '));
  await waitFor('the whole line', () => said.length === 1);
  pieces.push(Buffer.from('secret\n'));
  await waitFor('the other', () => said.length === 2);
  t.strictSame(texts(), ['whole', 'Password: secret']);
});

t.test('lines are counted across events, however they are split', (t) => {
  const { pieces, said } = open();
  pieces.push(Buffer.from('a\n\n\nb\n'));
  pieces.end();
  pieces.push(Buffer.from(`${'x'.repeat(70_000)}\nlast\n`));
  pieces.end();
  t.strictSame(
    said.map(({ data }) => [data['line'], data['continued'] ?? false]),
    [
      [1, false],
      [5, true],
      [5, true],
      [5, false],
    ],
  );
  t.equal(said.at(-1)?.data['text'], `${'x'.repeat(70_000 - 2 * 32 * 1024)}\nlast`);
  t.end();
});

t.test('large output is emitted at once in pieces of about 32 KiB', (t) => {
  const { pieces, said } = open();
  pieces.push(Buffer.from('0123456789\n'.repeat(30_000)));
  t.ok(said.length >= 10, `${said.length}`);
  for (const { data } of said) t.ok(String(data['text']).length <= 32 * 1024);
  pieces.end();
  t.equal(restore(said).toString(), '0123456789\n'.repeat(30_000));
  t.end();
});

t.test('a character is never split, wherever a long line is cut', (t) => {
  for (const [text, shift] of [
    ['é', 0],
    ['é', 1],
    ['漢', 1],
    ['漢', 2],
    ['🎉', 1],
    ['🎉', 2],
    ['🎉', 3],
  ] as const) {
    const { pieces, said } = open();
    const line = 'x'.repeat(shift) + text.repeat(20_000);
    pieces.push(Buffer.from(line));
    pieces.end();
    t.ok(said.length > 1);
    t.ok(
      said.every(({ data }) => data['base64'] === undefined),
      `${text} after ${shift}`,
    );
    t.equal(said.map(({ data }) => data['text']).join(''), line);
  }
  t.end();
});

t.test('a long line is not cut within a secret, nor between its name and its value', (t) => {
  const masker = new EventMasker();
  for (const secret of ['ghp_0123456789abcdefghij', '"password": "hunter2"', 'https://me:hunter2@example.com/x']) {
    for (let shift = 0; shift <= secret.length; shift++) {
      const { pieces, said } = open();
      const line = `${'x'.repeat(PIECE_BYTES - shift - 1)} ${secret} ${'y'.repeat(8_000)}`;
      pieces.push(Buffer.from(line));
      pieces.end();
      t.equal(said.length, 2);
      t.equal(said.map(({ data }) => data['text']).join(''), line);
      const masked = said.map(({ data }) => masker.mask({ type: 'output', data }).data['text']).join('');
      if (masked !== maskOutput(line)) t.fail(`${secret} cut after ${shift}`);
    }
  }
  const { pieces, said } = open();
  pieces.push(Buffer.from('z'.repeat(PIECE_BYTES)));
  t.equal(said.length, 0, 'what follows decides where it is cut');
  pieces.end();
  t.equal(said.length, 1);
  t.end();
});

t.test('a character in two chunks is kept whole', (t) => {
  const { pieces, said, texts } = open();
  const bytes = Buffer.from('漢字\n');
  for (const byte of bytes) pieces.push(Buffer.of(byte));
  pieces.end();
  t.strictSame(texts(), ['漢字']);
  t.equal(said.length, 1);
  t.end();
});

t.test('bytes that are not UTF-8 travel as base64', (t) => {
  const { pieces, said } = open();
  pieces.push(Buffer.from([0xff, 0xfe, 0x0a]));
  pieces.end();
  t.strictSame(said[0]!.data, { stream: 'stdout', line: 1, base64: Buffer.from([0xff, 0xfe]).toString('base64') });
  t.end();
});

t.test('any output can be restored byte for byte', (t) => {
  const random = createRandom(42);
  for (let round = 0; round < 30; round++) {
    const { pieces, said } = open();
    const chunks = Array.from({ length: random(20) }, () => {
      const chunk = Buffer.alloc(random(40_000));
      const kind = random(3);
      for (let at = 0; at < chunk.length; at++) chunk[at] = kind === 0 ? random(256) : random(50) === 0 ? 0x0a : 0x61;
      return chunk;
    });
    for (const chunk of chunks) pieces.push(chunk);
    pieces.end();
    t.ok(restore(said).equals(Buffer.concat(chunks)), `round ${round}`);
  }
  t.end();
});

t.test('no output yields no event', (t) => {
  const { pieces, said } = open();
  pieces.end();
  t.strictSame(said, []);
  t.end();
});

t.test('a flood of lines costs little', (t) => {
  const { pieces, said } = open();
  const chunk = Buffer.from(`${'x'.repeat(99)}\n`.repeat(655));
  const begun = performance.now();
  for (let n = 0; n < 500; n++) pieces.push(chunk);
  pieces.end();
  t.ok(performance.now() - begun < 30_000, `${performance.now() - begun} ms for 32 MB`);
  t.equal(said.at(-1)!.data['line'], 655 * 500 - String(said.at(-1)!.data['text']).split('\n').length + 1);
  t.end();
});

t.test('newlines are counted whatever surrounds them', (t) => {
  const memory = Buffer.alloc(4_000);
  for (let round = 0; round < 500; round++) {
    const [from, length] = [Math.floor(Math.random() * 8), Math.floor(Math.random() * 3_000)];
    const content = memory.subarray(from, from + length);
    // among all bytes, and enough of them for the fast path
    for (let at = 0; at < length; at++) content[at] = Math.random() < round / 500 ? 0x0a : Math.random() * 256;
    const expected = content.reduce((count, byte) => count + (byte === 0x0a ? 1 : 0), 0);
    if (countNewlines(content) !== expected) t.equal(countNewlines(content), expected, `${from} ${length}`);
  }
  t.equal(countNewlines(Buffer.alloc(10_000, '\n')), 10_000);
  t.equal(countNewlines(Buffer.alloc(0)), 0);
  t.end();
});

t.test('newlines are counted at any offset in memory', (t) => {
  const memory = Buffer.from('a\n\nlonger than a short line is, by far\n\n\nb\n\n\n\n\n0123456789\n\n'.repeat(4));
  for (let from = 0; from < 80; from++) {
    for (let to = from; to < memory.length; to++) {
      const content = memory.subarray(from, to);
      const expected = content.toString().split('\n').length - 1;
      if (countNewlines(content) !== expected) t.fail(`${from} to ${to}: ${countNewlines(content)}, not ${expected}`);
    }
  }
  t.equal(countNewlines(Buffer.alloc(100_001, '\n')), 100_001);
  t.end();
});
