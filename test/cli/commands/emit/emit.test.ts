import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { buildEvent } from '../../../../src/cli/commands/emit/arguments.js';
import { toNewEvent } from '../../../../src/protocol/validate.js';
import { createHome } from '../../../helpers/daemon.js';
import { collectOutput } from '../../../helpers/output.js';
import { readSpool } from '../../../helpers/spool.js';

/** The event of these words, without yargs. */
function build(pairs: string[], options: { execution?: string; step?: string; data?: string } = {}, env = {}) {
  return buildEvent({ type: 'log', ...options }, pairs, env);
}

t.test('pairs become data, or the envelope', (t) => {
  const cases: [string[], object][] = [
    [['a=1'], { data: { a: '1' } }],
    [['a:=1'], { data: { a: 1 } }],
    [['a:=true', 'b:=null', 'c:=[1,"x"]', 'd:={"e":{}}'], { data: { a: true, b: null, c: [1, 'x'], d: { e: {} } } }],
    [['a='], { data: { a: '' } }],
    [['a=b=c'], { data: { a: 'b=c' } }],
    [['a==b'], { data: { a: '=b' } }],
    [['a=:=b'], { data: { a: ':=b' } }],
    [['a= two words \n and lines'], { data: { a: ' two words \n and lines' } }],
    [['a=1', 'a=2', 'a:=3'], { data: { a: 3 } }],
    [['_a.b-c1=x'], { data: { '_a.b-c1': 'x' } }],
    [['a.b=1', 'a.c=2'], { data: { 'a.b': '1', 'a.c': '2' } }],
    [['exitCode:=0'], { data: { exitCode: 0 } }],
    [['execution=x', 'step=s'], { execution: 'x', lookup: true, step: 's', data: {} }],
    [
      ['source=me', 'n:=5', 'time=2026-01-01T00:00:00Z'],
      { source: 'me', n: 5, time: '2026-01-01T00:00:00Z', data: {} },
    ],
    [['message=--force'], { data: { message: '--force' } }],
    [['a=ü漢🎉'], { data: { a: 'ü漢🎉' } }],
    [['__proto__=x'], { data: JSON.parse('{"__proto__":"x"}') as object }],
    [['constructor=x', 'toString=y'], { data: { constructor: 'x', toString: 'y' } }],
  ];
  for (const [pairs, expected] of cases) t.strictSame(build(pairs), { type: 'log', ...expected }, pairs.join(' '));
  t.end();
});

t.test('reports an invalid pair with the reason', (t) => {
  const cases: [string[], string, RegExp][] = [
    [['word'], 'usage', /"word" is neither key=text, key:=json nor a JSON object/],
    [['=x'], 'usage', /neither/],
    [['1a=x'], 'usage', /neither/],
    [['-a=x'], 'usage', /neither/],
    [['a b=x'], 'usage', /neither/],
    [['é=x'], 'usage', /neither/],
    [[''], 'usage', /neither/],
    [['a:b'], 'usage', /neither/],
    [['a:=word'], 'bad_json', /^a: /],
    [['a:='], 'bad_json', /^a: /],
    [['seq:=5'], 'usage', /seq cannot be given/],
    [['type=x'], 'usage', /type cannot be given/],
  ];
  for (const [pairs, code, message] of cases) t.throws(() => build(pairs), { code, message }, pairs.join(' '));
  t.throws(() => buildEvent({}, [], {}), { code: 'usage', message: /needs a type/ });
  t.throws(() => build([], { data: '[]' }), { code: 'bad_event', message: /must be a JSON object/ });
  t.throws(() => build([], { data: '{' }), { code: 'bad_json', message: /^--data: / });
  t.throws(() => buildEvent({ type: '{"type":"log"}' }, [], {}), {
    code: 'usage',
    message: /a type before the object/,
  });
  t.end();
});

t.test('pairs are added to --data', (t) => {
  t.strictSame(build(['b=2', 'a=3'], { data: '{"a":1,"c":{"d":1}}' }).data, { a: '3', c: { d: 1 }, b: '2' });
  t.end();
});

t.test('one JSON object is the rest of the event', (t) => {
  const object = '{"execution":"x","step":"s","time":1790000000,"message":"m","data":{"a":1}}';
  const fields = { time: 1790000000, message: 'm', data: { a: 1 } };
  t.strictSame(build([object]), { type: 'log', execution: 'x', lookup: true, step: 's', ...fields });
  t.match(build([object], { execution: 'y', step: 't' }), { execution: 'y', lookup: true, step: 't', ...fields });
  t.strictSame(build(['{"type":"log"}'], {}, { PROGRESS_EXECUTION: 'run' }), {
    type: 'log',
    execution: 'run',
    inherited: true,
  });
  const { data } = toNewEvent(buildEvent({ type: 'task_started' }, ['{"task_id":"T1","story_count":2}'], {}));
  t.match(data, { total: 2, as: 'task_started' }, 'as it comes from other programs');
  const refused: [string[], { data?: string }, string, RegExp][] = [
    [[object, 'a=1'], {}, 'usage', /the only operand/],
    [['a=1', object], {}, 'usage', /the only operand/],
    [[object], { data: '{}' }, 'usage', /the only operand/],
    [['{"type":"other"}'], {}, 'usage', /another type: "other" instead of log/],
    [['{"a":'], {}, 'bad_json', /^the object: /],
  ];
  for (const [operands, options, code, message] of refused) {
    t.throws(() => build(operands, options), { code, message }, operands.join(' '));
  }
  t.end();
});

t.test('execution and step: options, then pairs, then the environment, whose step needs its execution', (t) => {
  const env = { PROGRESS_EXECUTION: 'run', PROGRESS_STEP: 'here' };
  const place = (pairs: string[], options = {}, from = env) => {
    const { execution, step } = build(pairs, options, from);
    return [execution, step];
  };
  t.strictSame(place([]), ['run', 'here']);
  t.strictSame(place(['step=s']), ['run', 's']);
  t.strictSame(place([], { step: 's' }), ['run', 's']);
  t.strictSame(place(['execution=x']), ['x', undefined]);
  t.strictSame(place([], { execution: 'x' }), ['x', undefined]);
  t.strictSame(place(['execution=y', 'step=t'], { execution: 'x', step: 's' }), ['x', 's']);
  t.strictSame(place([], {}, {} as typeof env), [undefined, undefined]);
  t.strictSame(place([], {}, { PROGRESS_EXECUTION: '', PROGRESS_STEP: '' }), [undefined, undefined]);
  t.end();
});

t.test('the grammar of the manual, by the program', async (t) => {
  const home = createHome(t);
  await home.startDaemon();
  const client = await home.connect();
  t.teardown(() => client.close());
  const emit = (args: string[], options: { env?: NodeJS.ProcessEnv; input?: string } = {}) =>
    home.progress(['emit', ...args], options);
  /** The newest event, except for events of the daemon about a silent execution. */
  const last = () =>
    home
      .progress(['logs', '--type', 'all', '--tail', '5', '--json'])
      .stdout.trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .findLast(({ type }) => type !== 'attention')!;

  t.test('--wait prints the position, or duplicate', (t) => {
    const first = emit(['log', '--wait', 'source=me', 'n:=1']);
    t.match(first.stdout, /^\d{16}\n$/);
    t.equal(last()['seq'], Number(first.stdout));
    t.strictSame(emit(['log', '--wait', 'source=me', 'n:=1']), { status: 0, stdout: 'duplicate\n', stderr: '' });
    t.strictSame(JSON.parse(emit(['log', '--wait', '--json', 'source=me', 'n:=1']).stdout), {
      seq: null,
      duplicate: true,
    });
    t.match(JSON.parse(emit(['log', '--wait', '--json', '--execution', 'j']).stdout), { seq: Number, execution: 'j' });
    t.end();
  });

  t.test('options can be anywhere, an object is the event, and a name or a prefix finds its execution', (t) => {
    emit(['execution_started', '--execution', 'k7first', 'name=backup', '--wait']);
    t.match(emit(['log', 'message=x', '--wait', '--execution', 'backup']).stdout, /^\d{16}\n$/);
    t.match(last(), { execution: 'k7first', lookup: undefined, data: { message: 'x', lookup: undefined } });
    emit(['log', '{"message":"y"}', '--wait', '--execution=k7f']);
    t.match(last(), { execution: 'k7first', data: { message: 'y' } });
    emit(['--stdin', '--wait', '--execution', 'backup'], { input: '{"type":"log","message":"z"}\n' });
    t.match(last(), { execution: 'k7first', data: { message: 'z' } });
    emit(['log', 'message=w', '--wait'], { env: { PROGRESS_EXECUTION: 'backup' } });
    t.match(last(), { execution: 'backup' }, 'in the environment it is an ID');
    t.end();
  });

  t.test('an error has the status of its kind, and writes nothing', (t) => {
    const before = last()['seq'];
    const cases: [string[], number, RegExp][] = [
      [[], 64, /needs a type/],
      [['a=b'], 64, /needs a type/],
      [['log', '--no-such'], 64, /unknown option --no-such\n/],
      [['log', 'word'], 64, /neither key=text/],
      [['log', '--', 'a=b', '--step', 's'], 64, /"--step" is neither/],
      [['log', 'a=b', '--wiat'], 64, /unknown option --wiat; did you mean --wait\?/],
      [['log', '--step'], 64, /step/],
      [['log', '--step', 'a', '--step', 'b'], 64, /--step is given twice/],
      [['log', '--stdin'], 64, /--stdin excludes an event in arguments/],
      [['--stdin', 'a=b'], 64, /--stdin excludes an event in arguments/],
      [['log', 'a:=x'], 65, /^progress: a: /],
      [['log', '--data', '7'], 65, /must be a JSON object/],
      [['log', 'time=yesterday'], 65, /time must be an RFC 3339 time/],
      [['log', 'n=5'], 65, /n must be a whole number/],
      [['log', '--execution', ''], 65, /execution must be a text/],
      [['journal_note'], 65, /the daemon’s own/],
      [['alert_triggered'], 65, /the daemon’s own/],
      [['log', '--data', '@/no/such/file'], 66, /--data: \/no\/such\/file cannot be read: /],
      [['log', '--data', `@${home.directory}`], 66, /cannot be read: EISDIR/],
      [['log', '--data', '@/dev/zero'], 65, /\/dev\/zero exceeds the 262144 bytes of an event/],
      [['log', `message=${'x'.repeat(120_000)}`, `more=${'\u0001'.repeat(60_000)}`], 65, /of 262144 bytes/],
      [['log', '--wait', `message=${'x'.repeat(120_000)}`, `more=${'\u0001'.repeat(60_000)}`], 65, /of 262144 bytes/],
    ];
    for (const [args, status, stderr] of cases) {
      const outcome = emit(args);
      t.equal(outcome.status, status, args.join(' ').slice(0, 60));
      t.match(outcome.stderr, stderr);
      t.match(outcome.stderr, /^progress: /);
      t.equal(outcome.stdout, '');
    }
    t.equal(last()['seq'], before);
    t.strictSame(readSpool(home), []);
    t.end();
  });

  t.test('--stdin reports invalid lines, and writes the others', (t) => {
    const lines = [
      '{"type":"log","message":"one"}',
      '',
      '{"type":',
      'null',
      '{"type":"log","n":-1}',
      '{"type":"log","execution":"own","message":"two"}\r',
      '{"type":"task_started","task_id":"foreign"}',
      '{"type":"step_started","step":"named"}',
      '{"type":"log","message":"no newline"}',
    ];
    const outcome = emit(['--stdin', '--wait', '--execution', 'in', '--step', 's'], { input: lines.join('\n') });
    t.equal(outcome.status, 65);
    t.equal(outcome.stdout.trim().split('\n').length, 5);
    t.strictSame(
      outcome.stderr
        .trim()
        .split('\n')
        .map((line) => /^progress: stdin:(\d+): /.exec(line)?.[1]),
      ['3', '4', '5'],
    );
    const written = home.progress(['logs', '--type', 'all', '--tail', '5', '--json']).stdout.trim().split('\n');
    t.strictSame(
      written
        .map((line) => JSON.parse(line) as Record<string, unknown>)
        .map(({ execution, step }) => [execution, step]),
      [
        ['in', 's'],
        ['own', undefined],
        ['foreign', undefined],
        ['in', 'named'],
        ['in', 's'],
      ],
    );
    t.strictSame(emit(['--stdin'], { input: '' }), { status: 0, stdout: '', stderr: '' });
    t.end();
  });

  t.test('a line near the bound is written or refused, never left without an answer', (t) => {
    for (const length of [250_000, 262_000, 262_100, 262_140, 300_000]) {
      const head = '{"type":"x","pad":"';
      const line = `${head}${'p'.repeat(length - head.length - 2)}"}`;
      const outcome = emit(['--stdin', '--wait'], { input: `${line}\n{"type":"log"}\n` });
      t.ok(outcome.status === 0 || outcome.status === 65, `${length}: ${outcome.status}`);
      t.match(outcome.stdout, /^(\d+\n){1,2}$/, 'the next line is written');
    }
    t.end();
  });

  t.test('10,000 lines through a pipe, in order, each once', async (t) => {
    const child = home.spawn(['emit', '--stdin', '--wait', '--execution', 'pipe'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const { ended } = collectOutput(child);
    for (let n = 0; n < 10_000; n++) child.stdin!.write(`{"type":"log","message":"${n}"}\n`);
    child.stdin!.end();
    const { status, stdout } = await ended;
    t.equal(status, 0);
    const seqs = stdout.trim().split('\n').map(Number);
    t.equal(seqs.length, 10_000);
    t.ok(
      seqs.every((seq, index) => index === 0 || seq > seqs[index - 1]!),
      'in order',
    );
    const logged = home.progress(['logs', 'pipe']).stdout.trim().split('\n');
    t.strictSame(
      logged,
      Array.from({ length: 10_000 }, (_, n) => `info: ${n}`),
    );
  });

  t.test('a lost daemon is reported once, and ends the command', async (t) => {
    const home = createHome(t);
    const daemon = await home.startDaemon();
    const child = home.spawn(['emit', '--stdin', '--wait'], { stdio: ['pipe', 'pipe', 'pipe'] });
    const { ended } = collectOutput(child);
    child.stdin!.on('error', () => undefined).write('{"type":"log"}\n');
    await once(child.stdout!, 'data');
    await daemon.kill();
    const timer = setInterval(() => child.stdin!.writable && child.stdin!.write('{"type":"log"}\n'.repeat(50)), 10);
    const { status, stderr } = await ended;
    clearInterval(timer);
    t.equal(status, 69);
    t.equal(stderr.split('\n').length, 2, stderr);
  });
});

t.test('without --wait one line is in the spool, and no daemon is started', (t) => {
  const home = createHome(t);
  const data = path.join(home.directory, 'data.json');
  writeFileSync(data, '{"a":{"b":1},"c":"d"}\n');
  const cases: [string[], object, NodeJS.ProcessEnv?][] = [
    [
      ['log', '--execution', 'x', 'level=error', 'count:=3'],
      { type: 'log', execution: 'x', data: { level: 'error', count: 3 } },
    ],
    [
      ['--step', '--odd', '--execution=-1', 'log', '--', 'message=--force'],
      { type: 'log', step: '--odd', execution: '-1', data: { message: '--force' } },
    ],
    [
      ['007', '--execution', '12', '--data', '{"a":1}', 'b:=[2]'],
      { type: '007', execution: '12', data: { a: 1, b: [2] } },
      { PROGRESS_EXECUTION: 'other' },
    ],
    [['log'], { execution: 'outer', step: 'inner' }, { PROGRESS_EXECUTION: 'outer', PROGRESS_STEP: 'inner' }],
    [['log', '--data', `@${data}`, 'c=e'], { data: { a: { b: 1 }, c: 'e' } }],
    [['log', 'time=2026-11-20T12:00:00.5+01:00', 'a:={}'], { time: '2026-11-20T12:00:00.5+01:00', data: { a: {} } }],
  ];
  for (const [args, expected, env] of cases) {
    t.strictSame(home.progress(['emit', ...args], env && { env }), { status: 0, stdout: '', stderr: '' });
    t.match(readSpool(home).at(-1), expected, args.join(' '));
  }
  for (const event of readSpool(home)) t.ok(toNewEvent(event));
  t.equal(readSpool(home).length, cases.length);
  t.notOk(existsSync(home.paths.lock));
  t.end();
});

t.test('--wait starts the daemon if there is none, and fails if it cannot start', (t) => {
  const home = createHome(t);
  t.equal(home.progress(['emit', 'log', '--wait', '--execution', 'x', 'message=hello']).status, 0);
  t.match(home.progress(['logs', 'x']), { status: 0, stdout: 'info: hello\n' });
  const broken = createHome(t);
  writeFileSync(broken.paths.config, '- no');
  t.equal(broken.progress(['emit', 'log', '--wait']).status, 78);
  t.end();
});

t.test('an event that cannot be spooled goes to a running daemon; without one it is an error', async (t) => {
  const home = createHome(t);
  await home.startDaemon();
  mkdirSync(home.paths.spool, { recursive: true });
  mkdirSync(path.join(home.paths.spool, 'shared.ndjson'));
  t.strictSame(home.progress(['emit', 'log', '--execution', 'x', 'message=hello']), {
    status: 0,
    stdout: '',
    stderr: '',
  });
  t.equal(home.progress(['logs', 'x']).stdout, 'info: hello\n');
  const alone = createHome(t);
  writeFileSync(alone.paths.state, 'a file');
  t.match(alone.progress(['emit', 'log']), { status: 77, stderr: /^progress: .*shared\.ndjson cannot be written: / });
});
