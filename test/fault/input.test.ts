/** Bad input is answered with the error and its place; connection and daemon survive, in bounded memory. */
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import type { Test } from 'tap';
import type { DaemonStatus } from '../../src/api/messages.js';
import { createHome } from '../helpers/daemon.js';
import { waitFor, waitUntilStable } from '../helpers/wait.js';
import { configure } from './helpers/config.js';
import { readFiles } from './helpers/journal-check.js';
import type { LineClient } from './helpers/line-client.js';
import { openLines } from './helpers/line-client.js';
import { residentBytes } from './helpers/process.js';
import { shortOrLong } from '../helpers/long.js';

const MIB = 1024 * 1024;
const MAX_CONNECTIONS = 16;
const hasProc = existsSync('/proc/self/status');

async function statusOf(client: LineClient): Promise<DaemonStatus> {
  return (await client.ask({ op: 'status' })) as unknown as DaemonStatus;
}

t.test('bad input', async (t) => {
  const home = createHome(t);
  configure(home, { socket: { maxConnections: MAX_CONNECTIONS } });
  const daemon = await home.startDaemon();
  const { socket } = home.paths;
  const main = await openLines(t, socket);
  const rejectedSoFar = async () => (await statusOf(main)).counters.rejected;
  const stored = () => readFiles(t, home.paths.journal);
  /** Far less than a hostile client could make an unbounded daemon allocate. */
  const checkMemory = (t: Test, before: number, most: number) => {
    if (!hasProc) return;
    const grown = residentBytes(daemon.pid) - before;
    t.ok(grown < most, `memory grew by ${(grown / MIB).toFixed(1)} MiB`);
  };
  const memory = () => (hasProc ? residentBytes(daemon.pid) : 0);

  const deep = (depth: number) => `{"type":"log","data":${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}}`;
  const refused: [string, string | Buffer, string, RegExp][] = [
    ['malformed JSON', '{"type":"log",}', 'bad_json', /column 15/],
    ['half an object', '{"type":"log"', 'bad_json', /ends too early/],
    ['no JSON at all', 'hello', 'bad_json', /column 1/],
    ['null', 'null', 'bad_event', /not null/],
    ['a list', '[1]', 'bad_event', /one JSON object/],
    ['a number', '17', 'bad_event', /one JSON object/],
    ['a text', '"log"', 'bad_event', /one JSON object/],
    ['no type', '{"data":{}}', 'bad_event', /"type"/],
    ['a type of another type', '{"type":7}', 'bad_event', /type must be/],
    ['an empty type', '{"type":""}', 'bad_event', /type must be/],
    ['data of another type', '{"type":"log","data":[]}', 'bad_event', /data must be/],
    ['an execution of another type', '{"type":"log","execution":{}}', 'bad_event', /execution must be/],
    ['a time that is none', '{"type":"log","time":"yesterday"}', 'bad_event', /time must be/],
    ['n below zero', '{"type":"log","source":"s","n":-1}', 'bad_event', /n must be/],
    ['n beyond 2^53', '{"type":"log","source":"s","n":9007199254740993}', 'bad_event', /n must be/],
    ['n with a fraction', '{"type":"log","source":"s","n":1.5}', 'bad_event', /n must be/],
    ['invalid UTF-8', Buffer.from('{"type":"log","data":{"m":"\xff\xfe"}}', 'latin1'), 'bad_utf8', /UTF-8/],
    ['an overlong encoding', Buffer.from('{"type":"log","data":{"m":"\xc0\xaf"}}', 'latin1'), 'bad_utf8', /UTF-8/],
    ['10,000 levels', deep(10_000), 'too_deep', /deeper than 64/],
    ['10,000 lists', `${'['.repeat(10_000)}${']'.repeat(10_000)}`, 'bad_event', /one JSON object/],
    ['a note', '{"type":"journal_note","data":{"kind":"removed","through":9e15}}', 'bad_event', /own/],
    ['a long line', `{"type":"log","data":{"m":"${'x'.repeat(300_000)}"}}`, 'too_long', /longer than/],
  ];
  t.test('gets an error with the line', async (t) => {
    const before = (await statusOf(main)).counters.rejected;
    const client = await openLines(t, socket);
    for (const [index, [what, line, code, message]] of refused.entries()) {
      await client.write(line);
      await client.write('\n');
      const error = await waitFor(`an answer to ${what}`, () => client.errors()[index]);
      t.match(error, { code, message, line: index + 1 }, what);
    }
    await client.ask({ op: 'emit', event: { type: 'log', execution: 'after' } });
    t.match(
      await client.ask({ op: 'get', execution: 'after' }),
      { execution: { id: 'after' } },
      'the connection lives on',
    );
    const after = await rejectedSoFar();
    for (const code of new Set(refused.map(([, , code]) => code))) {
      const times = refused.filter(([, , other]) => other === code).length;
      t.equal((after[code] ?? 0) - (before[code] ?? 0), times, `${code} is counted in the status`);
    }
  });

  t.test('in a request gets an error for the request', async (t) => {
    const client = await openLines(t, socket);
    t.match(await client.ask({ op: 'frobnicate' }), { error: { code: 'unknown_op', message: /known are/, line: 1 } });
    t.match(await client.ask({ op: 'get' }), { error: { code: 'bad_request', message: /execution must be/, line: 2 } });
    t.match(await client.ask({ op: 'get', execution: 'nobody' }), { error: { code: 'not_found' } });
    t.match(await client.ask({ op: 'subscribe', after: -1 }), {
      error: { code: 'bad_request', message: /after must be/ },
    });
    t.match(await client.ask({ op: 'emit', event: { type: 'journal_note' } }), { error: { code: 'bad_event' } });
    t.match(await client.ask({ op: 'hello', protocol: 99 }), { error: { code: 'protocol_mismatch' } });
    t.match(await client.ask({ op: 'list', unheard: 'of' }), { executions: Array }, 'unknown fields are ignored');
    await client.write('{"op":"status"}\n');
    const error = await waitFor('an answer', () => client.errors()[0]);
    t.match(error, { code: 'bad_request', message: /id must be/, line: 8 }, 'without an id, to the line');
  });

  t.test('that is merely unusual is kept as it is', async (t) => {
    const client = await openLines(t, socket);
    const lines = [
      '\ufeff{"type":"odd","execution":"kept","data":{"as":"byte order mark"}}',
      '',
      '{"type":"odd","execution":"kept","seq":1,"data":{"as":"a given seq"}}\r',
      '{"type":"never.heard_of","execution":"kept","data":{"as":"unknown type"}}',
      '{"type":"odd","execution":"kept","__proto__":{"polluted":1},"constructor":{"prototype":2},"data":{"as":"keys"}}',
      '{"type":"odd","execution":"__proto__","source":"constructor","n":1,"data":{"toString":1,"hasOwnProperty":2}}',
      '{"type":"odd","execution":"kept","data":{"as":"surrogate","m":"a\\ud800b","\\udc00":1}}',
      '{"type":"odd","execution":"kept","data":{"as":"numbers","big":9007199254740993,"huge":1e400,"tiny":1e-400}}',
      '{"type":"odd","execution":"kept","data":{"as":"controls","m":"\\u0000\\u001b[31m\\u2028\\u0085\\r\\n"}}',
      '   {"type":"odd","execution":"kept","type":"odd","data":{"as":"twice"}}   ',
    ];
    await client.write(lines.join('\n') + '\n');
    await client.ask({ op: 'emit', event: { type: 'log' } });
    const { execution: proto } = await client.ask({ op: 'get', execution: '__proto__' });
    t.match(proto, { id: '__proto__' });
    t.strictSame(client.errors(), []);
    const kept = new Map(
      stored()
        .filter(({ execution }) => execution === 'kept')
        .map((event) => [event.data['as'], event]),
    );
    t.equal(kept.size, 8);
    t.ok(kept.get('a given seq')!.seq > 1_000_000, 'seq is the daemon’s alone');
    t.equal(kept.get('unknown type')?.type, 'never.heard_of');
    const { data } = kept.get('keys')!;
    t.ok(Object.hasOwn(data, '__proto__') && Object.hasOwn(data, 'constructor'), 'keys are only keys');
    t.strictSame(kept.get('surrogate')?.data, { as: 'surrogate', m: 'a\ufffdb', '\ufffd': 1 });
    t.strictSame(kept.get('numbers')?.data, { as: 'numbers', big: 9007199254740992, huge: null, tiny: 0 });
    t.equal(kept.get('controls')?.data['m'], '\0\x1b[31m\u2028\u0085\r\n');
  });

  t.test('of 100 MB in one line is skipped', async (t) => {
    const client = await openLines(t, socket);
    const before = memory();
    const chunk = Buffer.alloc(MIB, 'x');
    for (let i = 0; i < 100; i++) await client.write(chunk);
    await client.write('\n{"type":"log"}\nnonsense\n');
    const [first, second] = await waitFor('two answers', () => client.errors()[1] && client.errors());
    t.match(
      [first, second],
      [
        { code: 'too_long', line: 1 },
        { code: 'bad_json', line: 3 },
      ],
    );
    checkMemory(t, before, 64 * MIB);
    for (let i = 0; i < 20; i++) await client.write(Buffer.alloc(MIB, '\n'));
    t.match(await client.ask({ op: 'hello' }), { protocol: 1 }, 'empty lines are nothing');
  });

  t.test('byte by byte delays no other client', async (t) => {
    const slow = await openLines(t, socket);
    slow.socket.setNoDelay(true);
    let longest = 0;
    for (const byte of '{"type":"log","execution":"slow","data":{"m":"ü€😀"}}\n') {
      for (const part of Buffer.from(byte)) {
        await slow.write(Buffer.of(part));
        await delay(2);
      }
      const start = Date.now();
      await main.ask({ op: 'emit', event: { type: 'log' } });
      longest = Math.max(longest, Date.now() - start);
    }
    await slow.ask({ op: 'emit', event: { type: 'log' } });
    t.match(await slow.ask({ op: 'get', execution: 'slow' }), { execution: { id: 'slow' } });
    t.strictSame(slow.errors(), []);
    t.equal(stored().find(({ execution }) => execution === 'slow')?.data['m'], 'ü€😀');
    t.ok(longest < 1_000, `others wait ${longest} ms at most`);
  });

  t.test('with an unfinished last line loses only that line', async (t) => {
    const before = (await rejectedSoFar())['bad_json'] ?? 0;
    const client = await openLines(t, socket);
    client.socket.end('{"type":"log","execution":"whole"}\n{"type":"log","execution":"cut"');
    await client.closed;
    t.match(client.errors(), [{ code: 'bad_json', message: /was cut/, line: 2 }]);
    await main.ask({ op: 'emit', event: { type: 'log' } });
    t.match(await main.ask({ op: 'get', execution: 'whole' }), { execution: { id: 'whole' } });
    t.match(await main.ask({ op: 'get', execution: 'cut' }), { error: { code: 'not_found' } });
    t.equal((await rejectedSoFar())['bad_json'], before + 1, 'it is counted');
    const brutal = await openLines(t, socket);
    await brutal.write('{"type":"log","execution":"cut');
    brutal.close();
    await brutal.closed;
    t.match(await main.ask({ op: 'hello' }), { protocol: 1 });
  });

  t.test('from a client that never reads costs no memory', async (t) => {
    const before = memory();
    const bad = await openLines(t, socket);
    bad.socket.pause();
    const count = shortOrLong(100_000, 1_000_000);
    const counted = (await rejectedSoFar())['bad_json'] ?? 0;
    for (let i = 0; i < count; i += 1_000) await bad.write('nonsense\n'.repeat(1_000));
    await waitFor('each to be counted', async () => (await rejectedSoFar())['bad_json'] === counted + count);
    checkMemory(t, before, 48 * MIB);

    // a list that is a hundred thousand times as large as its request
    const steps = Array.from({ length: 300 }, (_, i) => {
      const data = { name: 'x'.repeat(400) };
      return `${JSON.stringify({ type: 'step_started', execution: `big${i % 10}`, step: `s${i}`, data })}\n`;
    });
    await main.write(steps.join(''));
    await main.ask({ op: 'hello' });
    const asking = await openLines(t, socket);
    asking.socket.pause();
    const asked = memory();
    const flood = (async () => {
      for (let i = 0; i < 200 && !asking.socket.destroyed; i++)
        await asking.write('{"op":"list","id":1}\n'.repeat(1_000));
    })();
    await waitFor('the daemon to fall behind', () => asking.socket.writableLength > 0);
    const buffered = await waitUntilStable('the unsent part', async () => {
      await main.ask({ op: 'hello' });
      return asking.socket.writableLength;
    });
    t.ok(buffered > 0, 'the daemon stops reading');
    t.match(await main.ask({ op: 'hello' }), { protocol: 1 }, 'others are answered');
    checkMemory(t, asked, 96 * MIB);
    asking.close();
    bad.close();
    await flood;
  });

  t.test('such as too many subscriptions is refused', async (t) => {
    const client = await openLines(t, socket);
    const replies = [];
    for (let i = 0; i < 66; i++) replies.push(await client.ask({ op: 'subscribe', last: 0 }));
    t.equal(replies.filter(({ error }) => error === undefined).length, 64);
    t.match(replies[64], { error: { code: 'too_many', message: /64 subscriptions/, retryable: true } });
    t.match(await client.ask({ op: 'hello' }), { protocol: 1 }, 'the connection lives on');
  });

  t.test('such as too many connections is refused, temporarily', async (t) => {
    await waitFor('the others to be gone', async () => (await statusOf(main)).connections === 1);
    const clients = await Promise.all(Array.from({ length: MAX_CONNECTIONS - 1 }, () => openLines(t, socket)));
    await Promise.all(clients.map((client) => client.ask({ op: 'hello' })));
    const more = await openLines(t, socket);
    await more.closed;
    t.match(more.errors(), [{ code: 'too_many', message: /16 connections/, retryable: true }]);
    const storm = await Promise.allSettled(Array.from({ length: 100 }, () => openLines(t, socket)));
    await Promise.all(storm.flatMap((result) => (result.status === 'fulfilled' ? [result.value.closed] : [])));
    const { counters, connections } = await statusOf(main);
    t.equal(connections, MAX_CONNECTIONS);
    t.ok(counters.refusedConnections > 50, `${counters.refusedConnections} are counted`);
    clients[0]!.close();
    const again = await waitFor('room for one', async () => {
      const client = await openLines(t, socket);
      return await client.ask({ op: 'hello' }).then(
        () => client,
        () => undefined,
      );
    });
    again.close();
  });

  t.equal(await statusOf(main).then(({ pid }) => pid), daemon.pid, 'it is the daemon that was started');
});
