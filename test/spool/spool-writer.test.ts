import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Test } from 'tap';
import t from 'tap';
import { openSpoolWriter } from '../../src/spool/spool-writer.js';
import type { SpoolEvent } from '../../src/spool/spool-writer.js';
import { parseSpoolName } from '../../src/spool/names.js';
import { isDiskMissing, startOnSmallDisk } from '../fault/helpers/small-disk.js';
import { waitFor } from '../helpers/wait.js';

const event = (type: string, data: Record<string, unknown> = {}): SpoolEvent => ({
  type,
  execution: 'x',
  time: '2026-01-02T03:04:05.678Z',
  data,
});

/** Every whole line of the only file. */
function read(spool: string): SpoolEvent[] {
  const [name] = readdirSync(spool).filter((name) => parseSpoolName(name));
  const text = readFileSync(path.join(spool, name!), 'utf8');
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as SpoolEvent);
}

t.test('writes events in order, within a tick or at once', async (t) => {
  const spool = path.join(t.testdir(), 'state/spool');
  const file = openSpoolWriter({ spool }, 'run', 'abc');
  t.equal(file.source, `run-${process.pid}-abc`);
  const [name] = readdirSync(spool);
  t.match(parseSpoolName(name!), { source: file.source, writer: process.pid });
  t.equal(statSync(path.join(spool, name!)).mode & 0o777, 0o600);
  t.throws(() => openSpoolWriter({ spool }, 'run', 'abc'), { code: 'EEXIST' }, 'an existing file is never opened');
  file.append(event('one'));
  t.strictSame(read(spool), []);
  await waitFor('it', () => read(spool).length === 1);
  file.append(event('two'));
  file.append(event('three', { text: '漢字' }), 'now');
  file.append(event('four'));
  t.strictSame(
    read(spool).map(({ type }) => type),
    ['one', 'two', 'three'],
  );
  t.equal(file.close(), 0);
  t.strictSame(
    read(spool).map(({ type }) => type),
    ['one', 'two', 'three', 'four'],
  );
});

/** A spool directory on a disk of 16 MiB. */
async function createSmallSpool(t: Test) {
  const directory = t.testdir();
  const { within, fill, free } = await startOnSmallDisk(t, directory, '16m', ['sleep', '600']);
  return { spool: within(directory), fill, free };
}

t.test('on a full disk', async (t) => {
  if (isDiskMissing(t)) return;

  t.test('completes a partial line, and writes everything when there is space again', async (t) => {
    const { spool, fill, free } = await createSmallSpool(t);
    const file = openSpoolWriter({ spool }, 'run', 'abc');
    let n = 0;
    const append = () => file.append(event('output', { n: n++, text: 'x'.repeat(1_000) }), 'now');
    append();
    fill();
    for (let more = 0; more < 200; more++) append();
    file.append(event('execution_completed'), 'now');
    const [name] = readdirSync(spool).filter((name) => parseSpoolName(name));
    const before = readFileSync(path.join(spool, name!));
    t.ok(before.length > 1_000 && before.length < 20_000, `${before.length} bytes`);
    t.not(before.at(-1), 0x0a, 'the last line is torn for now');
    free();
    await waitFor('the rest', () => read(spool).length === 202);
    const after = readFileSync(path.join(spool, name!));
    t.ok(after.subarray(0, before.length).equals(before), 'bytes that were read stay the same');
    const written = read(spool);
    t.strictSame(
      written.slice(0, -1).map(({ data }) => data['n']),
      Array.from({ length: n }, (_, n) => n),
    );
    t.equal(written.at(-1)?.type, 'execution_completed');
    t.equal(file.close(), 0);
  });

  t.test('drops and counts excess output, and nothing else', async (t) => {
    const { spool, fill, free } = await createSmallSpool(t);
    const file = openSpoolWriter({ spool }, 'run', 'abc');
    file.append(event('execution_started'), 'now');
    fill();
    const count = 600;
    for (let n = 0; n < count; n++) {
      file.append(event('output', { n, text: 'x'.repeat(32_000) }));
      if (n % 100 === 0) file.append(event('log', { n }), 'now');
    }
    file.append(event('execution_completed'), 'now');
    free();
    await waitFor('the rest', () => read(spool).at(-1)?.type === 'execution_completed');
    const written = read(spool);
    t.strictSame(
      written.flatMap(({ type, data }) => (type === 'log' && 'n' in data ? [data['n']] : [])),
      [0, 100, 200, 300, 400, 500],
    );
    const output = written.filter(({ type }) => type === 'output').map(({ data }) => data['n']);
    const dropped = count - output.length;
    t.ok(dropped > 100 && dropped < count, `${dropped}`);
    t.strictSame(
      output.slice(-10),
      Array.from({ length: 10 }, (_, n) => count - 10 + n),
      'the newest are there',
    );
    const said = written
      .filter(({ type, data }) => type === 'log' && 'message' in data)
      .map(({ data }) => data['message']);
    t.match(said, [new RegExp(`^${dropped} events of output were dropped`)]);
    t.equal(file.close(), dropped);
  });

  t.test('close returns the number of events that were not written', async (t) => {
    const { spool, fill } = await createSmallSpool(t);
    const file = openSpoolWriter({ spool }, 'run', 'abc');
    file.append(event('execution_started'), 'now');
    fill();
    for (let n = 0; n < 50; n++) file.append(event('output', { n, text: 'x'.repeat(1_000) }), 'now');
    const unwritten = file.close();
    t.ok(unwritten > 40);
    t.equal(unwritten + read(spool).length, 51);
  });
});

t.test('masks secrets, also those spread over several events', (t) => {
  const spool = path.join(t.testdir(), 'state/spool');
  const file = openSpoolWriter({ spool }, 'run', 'abc');
  file.append(event('execution_started', { argv: ['mysql', '-phunter2'] }));
  const key = ['-----BEGIN PRIVATE KEY-----', 'MIIEhunter2', 'hunter2', '-----END PRIVATE KEY-----', 'done'];
  for (const text of key) file.append(event('output', { stream: 'stdout', text }));
  file.close();
  const [start, ...output] = read(spool);
  t.strictSame(start?.data['argv'], ['mysql', '-p***']);
  t.strictSame(
    output.map(({ data }) => data['text']),
    [key[0], '***', '***', key[3], 'done'],
  );
  t.end();
});
