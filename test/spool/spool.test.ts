import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t from 'tap';
import type { Test } from 'tap';
import type { NewEvent } from '../../src/core/events/event.js';
import { ProgressError } from '../../src/core/base/errors.js';
import type { Spool, SpoolOptions } from '../../src/spool/spool.js';
import { openSpool } from '../../src/spool/spool.js';
import { isUnprivileged } from '../helpers/needs.js';
import { waitFor } from '../helpers/wait.js';

const isSecret = ({ data }: NewEvent): boolean => JSON.stringify(data).includes('hunter2');

/** A spool directory with a fake journal, and daemons that start and stop. */
function makeSpool(t: Test, overrides: Partial<SpoolOptions> = {}) {
  const root = mkdtempSync(path.join(tmpdir(), 'progress-test-'));
  const directory = path.join(root, 'spool');
  mkdirSync(directory);
  const events: NewEvent[] = [];
  const taken = new Map<string, number>();
  const logs: string[] = [];
  const rejected: string[] = [];
  const gone: string[] = [];
  let refusing: ProgressError | undefined;
  let refusals = 0;
  let full = false;
  let synced = true;
  let spool: Spool | undefined;
  let room = Infinity;

  const start = (): Spool =>
    (spool = openSpool({
      directory,
      ensureDirectory: () => mkdirSync(directory, { recursive: true }),
      takenOf: (source) => taken.get(source),
      isSynced: () => synced,
      position: () => ({ seq: events.length, synced: synced ? events.length : 0 }),
      createSecretTest: () => isSecret,
      hasOpen: () => false,
      isFull: () => full,
      onWriterGone: (source) => gone.push(source),
      reject: (code) => rejected.push(code),
      log: (message) => logs.push(message),
      now: Date.now,
      sweepMs: 200,
      submit(event, _bytes, receipt) {
        const { source = '', n = 0 } = event;
        if (typeof event.data['file'] === 'string') spool?.readHookFile(event.data['file']);
        full ||= --room <= 0;
        // answered later, like a journal
        queueMicrotask(() => {
          if (refusing) {
            refusals++;
            receipt.refused(refusing);
          } else if (n <= (taken.get(source) ?? -1)) receipt.duplicate();
          else {
            taken.set(source, n);
            events.push(event);
            receipt.written();
          }
        });
        return isSecret(event);
      },
      ...overrides,
    }));
  const stop = async () => {
    await spool?.close();
    spool = undefined;
  };
  t.teardown(async () => {
    await stop();
    rmSync(root, { recursive: true, force: true });
  });
  const file = (name: string) => path.join(directory, name);
  return {
    directory,
    events,
    logs,
    rejected,
    gone,
    start,
    stop,
    file,
    append: (name: string, text: string | Buffer) => appendFileSync(file(name), text),
    messages: () => events.map(({ data }) => data['message']),
    refuse: (error: ProgressError | undefined) => (refusing = error),
    refusals: () => refusals,
    fill: (on: boolean) => (full = on),
    /** Full again after this many events. */
    giveRoom(events: number) {
      room = events;
      full = false;
      spool?.resume();
    },
    sync: (on: boolean) => (synced = on),
    take: (source: string, n: number) => taken.set(source, n),
    forget: () => {
      taken.clear();
      events.length = 0;
    },
  };
}

const line = (message: string, more = {}) => `${JSON.stringify({ type: 'log', ...more, data: { message } })}\n`;
/** A file of a writer that lives as long as this test. */
const OWN = `sh-${process.pid}-abc.ndjson`;
/** A file of a dead writer: no process has this PID, now or later. */
const DEAD = 'sh-2147483646-abc.ndjson';

t.test('reads existing lines at the start, and appended lines later', async (t) => {
  const spool = makeSpool(t);
  spool.append(OWN, line('one') + line('two'));
  spool.start();
  await waitFor('the past', () => spool.events.length === 2);
  spool.append(OWN, line('three'));
  spool.append('bash-1-new.ndjson', line('four'));
  await waitFor('the rest', () => spool.events.length === 4);
  t.strictSame(spool.messages().toSorted(), ['four', 'one', 'three', 'two']);
  const [one, two] = spool.events;
  t.match(one, { source: OWN.slice(0, -'.ndjson'.length), n: line('one').length });
  t.equal(two?.n, line('one').length + line('two').length);
  t.same(spool.logs, []);
});

const SHARED = 'shared-abc.ndjson';

t.test('reads a hook payload in a separate file where the shared file names it', async (t) => {
  const hook = (index: number) => `hook-2147483646-${index}`;
  const spool = makeSpool(t);
  const numbers = Array.from({ length: 20 }, (_, index) => index);
  const write = () => {
    for (const index of numbers) {
      spool.append(SHARED, line(`before ${index}`));
      spool.append(`${hook(index)}.ndjson`, line(`payload ${index}`));
      const name = { type: 'agent_hook', data: { file: hook(index), message: `name ${index}` } };
      spool.append(SHARED, `${JSON.stringify(name)}\n`);
      spool.append(SHARED, line(`after ${index}`));
    }
  };
  const expected = numbers.flatMap((index) => ['before', 'payload', 'name', 'after'].map((word) => `${word} ${index}`));
  write();
  linkSync(spool.file(SHARED), spool.file('shared.ndjson'));
  spool.start();
  await waitFor('what lay there', () => spool.events.length === expected.length);
  t.strictSame(spool.messages(), expected, 'with a daemon that starts later');
  t.strictSame(spool.gone, [], 'the end of a hook is the end of nothing else');
});

t.test('reads a hook payload that nothing names after the shared file', async (t) => {
  const spool = makeSpool(t);
  const lines = Array.from({ length: 2_000 }, (_, index) => line(`${index} ${'x'.repeat(100)}`));
  spool.append(SHARED, lines.join(''));
  linkSync(spool.file(SHARED), spool.file('shared.ndjson'));
  spool.append('hook-2147483646-1.ndjson', line('payload'));
  spool.start();
  await waitFor('all of it', () => spool.events.length === lines.length + 1);
  t.equal(spool.messages().at(-1), 'payload');
});

t.test('backpressure pauses reading in the middle of a file', async (t) => {
  const spool = makeSpool(t);
  spool.giveRoom(3);
  spool.append(OWN, Array.from({ length: 10 }, (_, index) => line(`${index}`)).join(''));
  spool.start();
  await waitFor('the first', () => spool.events.length > 0);
  await new Promise(setImmediate);
  t.strictSame(spool.messages(), ['0', '1', '2']);
  spool.giveRoom(Infinity);
  await waitFor('the rest', () => spool.events.length === 10);
  t.strictSame(spool.messages(), ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
});

t.test('submits a line once it is complete', async (t) => {
  const spool = makeSpool(t);
  spool.start();
  spool.append(OWN, line('one') + line('two').slice(0, 10));
  await waitFor('the first', () => spool.events.length === 1);
  spool.append(OWN, line('two').slice(10) + line('three').slice(0, -1));
  await waitFor('the second', () => spool.events.length === 2);
  await spool.stop();
  spool.append(OWN, '\n');
  spool.start();
  await waitFor('the third', () => spool.events.length === 3);
  t.strictSame(spool.messages(), ['one', 'two', 'three']);
  t.same(spool.rejected, []);
});

t.test('submits each line once, wherever reading was interrupted', async (t) => {
  const spool = makeSpool(t);
  const wanted: string[] = [];
  for (let round = 0; round < 30; round++) {
    spool.start();
    for (let i = 0; i < 20; i++) {
      wanted.push(`${round}-${i}`);
      // some end after the next start
      const text = line(wanted.at(-1)!);
      spool.append(OWN, i === 0 && round > 0 ? text.slice(3) : text);
    }
    if (round % 3 === 0) await waitFor('some', () => spool.events.length > (round * 20) / 2);
    spool.append(OWN, '{"t');
    await spool.stop();
    // submitted lines that are not answered yet count as well
    await new Promise((resolve) => setImmediate(resolve));
  }
  spool.append(OWN, line('last').slice(3));
  wanted.push('last');
  spool.start();
  await waitFor('all', () => spool.events.length >= wanted.length);
  t.strictSame(spool.messages(), wanted);
});

t.test('a thousand files', async (t) => {
  const spool = makeSpool(t);
  for (let i = 0; i < 1_000; i++) spool.append(`emit-${i + 1}-x.ndjson`, line(`${i}`));
  spool.start();
  await waitFor('all', () => spool.events.length === 1_000);
  t.equal(new Set(spool.messages()).size, 1_000);
  spool.append('emit-1000-x.ndjson', line('more'));
  await waitFor('the last one', () => spool.events.length === 1_001);
});

t.test('ignores files of other programs, and logs each once', async (t) => {
  const spool = makeSpool(t);
  const secret = path.join(spool.directory, '..', 'secret.ndjson');
  writeFileSync(secret, line('secret'));
  symlinkSync(secret, spool.file('sh-1-link.ndjson'));
  execFileSync('mkfifo', [spool.file('sh-1-fifo.ndjson')]);
  mkdirSync(spool.file('sh-1-dir.ndjson'));
  spool.append('sh-1-huge.ndjson', line('huge'));
  truncateSync(spool.file('sh-1-huge.ndjson'), 2 * 1024 ** 3);
  spool.append('sh-1-garbage.ndjson', 'garbage\n'.repeat(1_000));
  spool.append('notes.txt', 'hello\n');
  spool.append('sh-1-../../x.ndjson'.replaceAll('/', '_'), line('odd'));
  const isForeign = !isUnprivileged(t);
  if (isForeign) {
    spool.append('sh-1-foreign.ndjson', line('foreign'));
    chownSync(spool.file('sh-1-foreign.ndjson'), 65_534, 65_534);
  }
  spool.append(OWN, line('good'));
  const running = spool.start();
  await waitFor('the good one', () => spool.events.length === 1);
  const names = ['link', 'fifo', 'dir', 'huge', 'garbage', ...(isForeign ? ['foreign'] : [])];
  await waitFor('all to be looked at', () => running.status().skipped.length === names.length + 2);
  // twice more, without another message
  const said = spool.logs.length;
  spool.append(OWN, line('more'));
  spool.append('sh-1-garbage.ndjson', 'garbage\n');
  await waitFor('more', () => spool.events.length === 2);
  t.strictSame(spool.messages(), ['good', 'more']);
  t.equal(spool.logs.length, said);
  for (const name of names) t.match(spool.logs.join('\n'), new RegExp(`sh-1-${name}.ndjson is skipped: it`), name);
  t.ok(existsSync(secret));
});

t.test('reports an invalid line with its offset, and reads the others', async (t) => {
  const spool = makeSpool(t);
  spool.append(OWN, line('one') + 'nonsense\n' + line('two'));
  spool.append(OWN, Buffer.concat([Buffer.from('{"type":"log","data":{"message":"caf'), Buffer.from([0xe9, 0x22])]));
  spool.append(OWN, '}}\n' + line('x'.repeat(300_000)) + '{"type":"log","seq":5,"n":"no"}\n' + line('three'));
  spool.start();
  await waitFor('the good ones', () => spool.events.length === 4);
  t.strictSame(spool.messages(), ['one', 'two', 'caf\ufffd', 'three']);
  t.strictSame(spool.rejected, ['bad_json', 'too_long', 'bad_event']);
  const at = line('one').length + 'nonsense\n'.length;
  t.match(spool.logs[0], new RegExp(`the line that ends at byte ${at}: the line is not JSON`));
});

t.test('retries refused events in order', async (t) => {
  const spool = makeSpool(t);
  spool.refuse(new ProgressError('disk_full', 'no room'));
  spool.append(OWN, line('one') + line('two'));
  const running = spool.start();
  await waitFor('three refusals', () => spool.refusals() >= 6);
  t.strictSame(spool.logs, [`spool: ${OWN} waits at byte 0: no room`], 'it is said once');
  spool.append(OWN, line('three'));
  spool.refuse(undefined);
  await waitFor('all', () => spool.events.length === 3);
  t.strictSame(spool.messages(), ['one', 'two', 'three']);
  t.equal(running.status().files, 1);
});

t.test('reads nothing while the journal is full', async (t) => {
  const spool = makeSpool(t);
  spool.fill(true);
  spool.append(OWN, line('one'));
  const running = spool.start();
  await new Promise((resolve) => setImmediate(resolve));
  t.equal(spool.events.length, 0);
  spool.fill(false);
  running.resume();
  await waitFor('it', () => spool.events.length === 1);
});

t.test('keeps source and n of a producer that counts', async (t) => {
  const spool = makeSpool(t);
  spool.append(OWN, line('one', { source: 'run-1', n: 7 }) + line('again', { source: 'run-1', n: 7 }));
  spool.append(OWN, line('two', { source: 'somebody' }));
  spool.start();
  await waitFor('both', () => spool.events.length === 2);
  t.match(spool.events, [
    { source: 'run-1', n: 7 },
    { source: OWN.slice(0, -7), data: { message: 'two' } },
  ]);
});

t.test('a line without a time gets that of arrival, or of the file when it is a backlog', async (t) => {
  const spool = makeSpool(t);
  spool.append(DEAD, line('old') + line('told', { time: 1_700_000_000.5 }));
  const then = new Date('2026-01-01T00:00:00Z');
  utimesSync(spool.file(DEAD), then, then);
  spool.append(OWN, line('new'));
  spool.start();
  await waitFor('all', () => spool.events.length === 3);
  const byMessage = (text: string) => spool.events.find(({ data }) => data['message'] === text);
  t.match(byMessage('old'), { time: then.toISOString(), approximate: true });
  t.match(byMessage('told'), { time: '2023-11-14T22:13:20.500Z', approximate: undefined });
  t.match(byMessage('new'), { time: undefined, approximate: undefined });
});

t.test(
  'the shared file has a name that stays, and its events stay without an execution until they are routed',
  async (t) => {
    const spool = makeSpool(t);
    spool.append('shared.ndjson', line('one'));
    spool.start();
    await waitFor('it', () => spool.events.length === 1);
    const [source] = spool.events.map((event) => event.source);
    t.match(source, /^shared-[0-9a-f]{16}$/);
    t.equal(spool.events[0]?.execution, undefined);
    await spool.stop();
    spool.append('shared.ndjson', line('two', { execution: 'x' }));
    spool.start();
    await waitFor('the second', () => spool.events.length === 2);
    t.strictSame(spool.messages(), ['one', 'two']);
    t.match(spool.events[1], { source, execution: 'x' });
  },
);

t.test('rotates the shared file when it is large, and still reads the old one', async (t) => {
  const spool = makeSpool(t);
  spool.start();
  for (let i = 0; i < 5_000; i++) spool.append('shared.ndjson', line(`${i} ${'x'.repeat(1_000)}`));
  const shared = () => readdirSync(spool.directory).filter((name) => name.startsWith('shared-'));
  await waitFor('a second one', () => spool.events.length === 5_000 && shared().length === 2);
  const old = shared().find((name) => readFileSync(spool.file(name)).length > 0)!;
  spool.append('shared.ndjson', line('new'));
  spool.append(old, line('late'));
  await waitFor('both', () => spool.events.length === 5_002);
  t.strictSame(spool.messages().slice(-2).toSorted(), ['late', 'new']);
  const then = new Date(Date.now() - 2 * 3_600_000);
  utimesSync(spool.file(old), then, then);
  utimesSync(spool.file('shared.ndjson'), then, then);
  await waitFor('the old one to go', () => !existsSync(spool.file(old)));
  t.ok(existsSync(spool.file('shared.ndjson')), 'the newest one stays, however old');
  t.equal(shared().length, 1);
});

t.test('removes a file when its writer has ended and it was read long ago', async (t) => {
  const spool = makeSpool(t);
  const then = new Date(Date.now() - 2 * 3_600_000);
  const young = 'sh-4294967294-young.ndjson';
  const reused = `sh-${process.ppid}-reused.ndjson`;
  for (const name of [OWN, DEAD, young, reused]) spool.append(name, line(name));
  utimesSync(spool.file(DEAD), then, then);
  utimesSync(spool.file(OWN), new Date(), then);
  // older than the process that has this PID now
  utimesSync(spool.file(reused), 1_000_000_000, 1_000_000_000);
  const running = spool.start();
  await waitFor('the dead one to go', () => !existsSync(spool.file(DEAD)));
  if (process.platform === 'linux') await waitFor('the other dead one', () => !existsSync(spool.file(reused)));
  t.ok(existsSync(spool.file(young)), 'not yet');
  t.ok(spool.gone.includes(DEAD.slice(0, -7)));
  await waitFor('it to be forgotten', () => !running.isOpen(DEAD.slice(0, -7)));
  t.ok(running.isOpen(young.slice(0, -7)));
  t.equal(spool.events.length, 4);
});

t.test("removes a runner's file once the journal is synced", async (t) => {
  const spool = makeSpool(t);
  const ended = 'run-4294967294-ended.ndjson';
  const living = `run-${process.pid}-living.ndjson`;
  for (const name of [ended, living]) spool.append(name, line(name));
  spool.sync(false);
  spool.start();
  await waitFor('its writer to be missed', () => spool.gone.length >= 3);
  t.ok(existsSync(spool.file(ended)), 'power loss could still take it');
  spool.sync(true);
  await waitFor('it to go', () => !existsSync(spool.file(ended)));
  t.ok(existsSync(spool.file(living)));
});

t.test('keeps a file until everything in it is read', async (t) => {
  const spool = makeSpool(t);
  spool.refuse(new ProgressError('disk_full', 'no room'));
  spool.append(DEAD, line('one'));
  utimesSync(spool.file(DEAD), 1_000_000_000, 1_000_000_000);
  spool.start();
  await waitFor('two refusals', () => spool.refusals() >= 2);
  t.ok(existsSync(spool.file(DEAD)));
  t.same(spool.gone, []);
  spool.refuse(undefined);
  await waitFor('its end', () => !existsSync(spool.file(DEAD)));
  t.strictSame(spool.messages(), ['one']);
});

t.test('creates the directory again after its removal', async (t) => {
  const spool = makeSpool(t);
  spool.start();
  spool.append(OWN, line('one'));
  await waitFor('it', () => spool.events.length === 1);
  rmSync(spool.directory, { recursive: true });
  await waitFor('the directory', () => existsSync(spool.directory));
  spool.append('sh-1-b.ndjson', line('two'));
  await waitFor('the second', () => spool.events.length === 2);
});

t.test('ignores a file that was replaced under its name', async (t) => {
  const spool = makeSpool(t);
  spool.append(OWN, line('one') + line('two'));
  const running = spool.start();
  await waitFor('both', () => spool.events.length === 2);
  writeFileSync(spool.file(OWN), line('x'));
  await waitFor('the complaint', () => running.status().skipped.includes(OWN));
  t.equal(spool.events.length, 2);
  linkSync(spool.file(OWN), spool.file('sh-1-copy.ndjson'));
  await waitFor('under another name', () => spool.events.length === 3);
});

t.test('look reads a source, and returns true when all of it is read', async (t) => {
  const box = makeSpool(t);
  const spool = box.start();
  const name = `run-${process.pid}-x1`;
  t.ok(spool.readSource(name), 'there is nothing');
  for (const message of ['first', 'last words']) {
    box.append(`${name}.ndjson`, `${JSON.stringify({ type: 'log', execution: 'e', message })}\n`);
    let looks = 1;
    while (!spool.readSource(name) && looks++ < 100) await new Promise((resolve) => setImmediate(resolve));
    t.ok(looks < 100, `${looks} looks`);
    t.equal(box.messages().at(-1), message);
  }
});

t.test('catchUp reads single commands at once, and a load in parts', async (t) => {
  const box = makeSpool(t);
  const spool = box.start();
  spool.catchUp();
  for (const message of ['first', 'second']) {
    box.append('shared.ndjson', line(message));
    spool.catchUp();
    await Promise.resolve(); // as long as `submit` takes
    t.equal(box.messages().at(-1), message);
  }
  const load = Array.from({ length: 1_000 }, (_, n) => line(`${n} ${'x'.repeat(1_000)}`));
  box.append('shared.ndjson', load.join(''));
  spool.catchUp();
  await Promise.resolve();
  t.ok(box.events.length > 100 && box.events.length < 500, `${box.events.length} of them`);
  await waitFor('the others', () => box.events.length === 1_002);
  t.strictSame(new Set(box.messages()).size, 1_002);
});

t.test('catchUp reads nothing while the journal is full', async (t) => {
  const box = makeSpool(t);
  const spool = box.start();
  box.append('shared.ndjson', line('one'));
  box.fill(true);
  spool.catchUp();
  await Promise.resolve();
  t.strictSame(box.messages(), []);
  box.fill(false);
  spool.resume();
  await waitFor('it', () => box.events.length === 1);
});

t.test('reports a dead writer with open executions before the next scan', async (t) => {
  let sweeps = 0;
  const { start, append, gone, messages } = makeSpool(t, {
    ensureDirectory() {
      sweeps++;
    },
    hasOpen: (source) => source.endsWith('-open'),
    sweepMs: 1_000_000,
    writersMs: 20,
  });
  const writers = [spawn('sleep', ['600'], { stdio: 'ignore' }), spawn('sleep', ['600'], { stdio: 'ignore' })] as const;
  t.teardown(() => writers.forEach((writer) => writer.kill('SIGKILL')));
  const [open, ended] = [`sh-${writers[0].pid}-open`, `sh-${writers[1].pid}-ended`];
  for (const name of [open, ended]) append(`${name}.ndjson`, line(name));
  start();
  await waitFor('the looks at everything that follow the start', () => sweeps === 2 && messages().length === 2);
  for (const writer of writers) writer.kill('SIGKILL');
  await waitFor('the one', () => gone.length > 0);
  t.strictSame([...new Set(gone)], [open], 'the other one can wait');
});

t.test("keeps a dead runner's file until its last lines are read", async (t) => {
  let checks = 0;
  const { start, append, file, fill, gone, messages } = makeSpool(t, { now: () => (checks++, Date.now()) });
  const writer = spawn('sleep', ['1000'], { stdio: 'ignore' });
  t.teardown(() => writer.kill('SIGKILL'));
  const { pid } = writer;
  const name = `run-${pid}-abc.ndjson`;
  const spool = start();
  append(name, line('one'));
  await waitFor('the first', () => messages().length === 1);
  // it was read once, and then nothing is read for a while
  fill(true);
  append(name, line('two'));
  writer.kill('SIGKILL');
  await once(writer, 'exit');
  const before = checks;
  await waitFor('some sweeps', () => checks >= before + 3);
  t.notOk(gone.includes(`run-${pid}-abc`));
  t.ok(existsSync(file(name)));
  fill(false);
  spool.resume();
  await waitFor('it to go', () => !existsSync(file(name)));
  t.strictSame(messages(), ['one', 'two']);
  t.strictSame(gone, [`run-${pid}-abc`]);
});

t.test('reports a shell that exec replaced, and not the new one', async (t) => {
  const { start, append, gone, messages } = makeSpool(t, { hasOpen: () => true, sweepMs: 1_000_000, writersMs: 20 });
  const writer = spawn('sleep', ['600'], { stdio: 'ignore' });
  t.teardown(() => writer.kill('SIGKILL'));
  const [before, after, script] = ['bash', 'zsh', 'sh'].map((kind) => `${kind}-${writer.pid}-abc`);
  append(`${before}.ndjson`, line('before'));
  append(`${script}.ndjson`, line('of a library that the shell has loaded'));
  start();
  await waitFor('what lies there', () => messages().length === 2);
  await waitFor('another time of writing', () => {
    append(`${after}.ndjson`, line('after'));
    return gone.length > 0;
  });
  t.strictSame([...new Set(gone)], [before]);
});

t.test('blanks a line with a secret in place once the journal is synced', async (t) => {
  const spool = makeSpool(t);
  const old = new Date(Date.now() - 30_000);
  const lines = [line('one'), line('is hunter2'), line('three')];
  spool.append(OWN, lines.join(''));
  utimesSync(spool.file(OWN), old, old);
  const { ino } = statSync(spool.file(OWN));
  spool.sync(false);
  const running = spool.start();
  await waitFor('all of it', () => spool.events.length === 3);
  await running.eraseSecrets();
  t.match(readFileSync(spool.file(OWN), 'utf8'), 'hunter2', 'the journal could still lose it');
  spool.sync(true);
  await waitFor('the line to be blank', () => !readFileSync(spool.file(OWN), 'utf8').includes('hunter2'));
  const blank = `${' '.repeat(lines[1]!.length - 1)}\n`;
  t.equal(readFileSync(spool.file(OWN), 'utf8'), lines[0]! + blank + lines[2]!);
  // the time of modification is set once it is blank, with the precision of a float
  await waitFor('its time to be what it was', () => Math.round(statSync(spool.file(OWN)).mtimeMs) === old.getTime());
  t.equal(statSync(spool.file(OWN)).ino, ino, 'for all others it is the same file');
  spool.append(OWN, line('four'));
  await waitFor('what comes after it', () => spool.events.length === 4);
  t.equal(spool.events.at(-1)?.n, [...lines, line('four')].join('').length, 'lines are known by where they end');

  // a journal that was lost reads everything again
  await spool.stop();
  spool.forget();
  spool.start();
  await waitFor('the rest of it', () => spool.events.length === 3);
  t.strictSame(spool.messages(), ['one', 'three', 'four']);
  t.strictSame([spool.rejected, spool.logs], [[], []]);
});

t.test('blanks lines that an earlier daemon left, and not lines that are not in the journal', async (t) => {
  const spool = makeSpool(t);
  spool.append(OWN, line('hunter2, taken') + line('plain'));
  spool.take(OWN.slice(0, -'.ndjson'.length), (line('hunter2, taken') + line('plain')).length);
  spool.refuse(new ProgressError('disk_full', 'no room'));
  spool.append(OWN, line('hunter2, refused'));
  const running = spool.start();
  await waitFor('the old line to be blank', () => !readFileSync(spool.file(OWN), 'utf8').includes('hunter2, taken'));
  await waitFor('the new line to be refused', () => spool.refusals() > 0);
  await running.eraseSecrets();
  t.equal(readFileSync(spool.file(OWN), 'utf8').trimStart(), line('plain') + line('hunter2, refused'));
  spool.refuse(undefined);
  await waitFor('the new line', () => spool.events.length === 1);
  await waitFor('it to be blank', () => !readFileSync(spool.file(OWN), 'utf8').includes('hunter2'));
});

t.test('eraseTaken blanks all lines that the journal has, and no others', async (t) => {
  const spool = makeSpool(t);
  spool.append(OWN, line('one') + line('two'));
  const running = spool.start();
  await waitFor('both', () => spool.events.length === 2);
  spool.append(OWN, '{"type":"log"');
  await running.eraseTaken(async () => undefined);
  t.equal(readFileSync(spool.file(OWN), 'utf8').replaceAll(' ', ''), '\n\n{"type":"log"');
  spool.append(OWN, ',"data":{"message":"three"}}\n');
  await waitFor('the line that was begun', () => spool.events.length === 3);
  t.strictSame(spool.messages(), ['one', 'two', 'three']);
});
