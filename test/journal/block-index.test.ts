import t from 'tap';
import { BlockIndex } from '../../src/journal/block-index.js';

const BLOCK = 64 * 1024;

function fill(index: BlockIndex, executions: readonly string[], bytes: number): void {
  for (const execution of executions) {
    index.add(
      { seq: index.last + 1, time: `2026-01-01T00:00:0${index.last % 10}.000Z`, execution },
      index.size + bytes,
    );
  }
}

t.test('a block ends with the line that makes it large enough', async (t) => {
  const index = new BlockIndex(1);
  fill(index, ['a', 'a', 'a', 'a', 'a'], BLOCK / 2);
  t.strictSame(index.offsets, [0, BLOCK, 2 * BLOCK]);
  t.strictSame(index.seqs, [1, 3, 5]);
  t.equal(index.size, 2.5 * BLOCK);
  t.equal(index.lines, 5);
});

t.test('an execution is found in the blocks that hold it, and in no others', async (t) => {
  const index = new BlockIndex(1);
  fill(index, ['a', 'b', 'a', 'a', 'b', 'c', 'a'], BLOCK);
  t.strictSame(index.blocksOf('a'), [0, 2, 3, 6]);
  t.strictSame(index.blocksOf('b'), [1, 4]);
  t.strictSame(index.blocksOf('c'), [5]);
  t.strictSame(index.blocksOf('d'), []);
  t.strictSame(index.blocksOf(undefined), [0, 1, 2, 3, 4, 5, 6]);
});

t.test('executions that alternate within a block are each listed once', async (t) => {
  const index = new BlockIndex(1);
  fill(index, ['a', 'b', 'a', 'b', '__proto__'], 10);
  t.strictSame(index.blocksOf('a'), [0]);
  t.strictSame(index.blocksOf('__proto__'), [0]);
});

t.test('a block knows its newest time, whatever the order', async (t) => {
  const index = new BlockIndex(1);
  for (const [at, time] of ['2026-01-02', '2026-01-03', '2026-01-01'].entries())
    index.add({ seq: at + 1, time }, at + 1);
  t.strictSame(index.times, ['2026-01-03']);
});

t.test('serialize and parse round-trip', async (t) => {
  const index = new BlockIndex(7);
  fill(index, ['a', 'b', 'ünïcode', '__proto__'], BLOCK);
  index.closed = true;
  index.gzip = { offsets: [0, 10, 20, 30], size: 40 };
  const copy = BlockIndex.parse(index.serialize());
  t.strictSame(copy, index);
  t.strictSame(copy?.blocksOf('ünïcode'), [2]);
  t.strictSame(copy?.blocksOf('__proto__'), [3]);
});

t.test('a text with any one character changed is rejected', async (t) => {
  const index = new BlockIndex(7);
  fill(index, ['a', 'b'], 100);
  const text = index.serialize();
  for (let at = 0; at < text.trimEnd().length; at++) {
    const changed = text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ 1) + text.slice(at + 1);
    t.equal(BlockIndex.parse(changed), undefined, `character ${at}`);
  }
  t.equal(BlockIndex.parse(text.slice(0, -10)), undefined, 'cut short');
  t.equal(BlockIndex.parse(''), undefined, 'empty');
});
