import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { buildEvent } from '../../src/cli/commands/emit/arguments.js';
import { splitWords } from '../../src/cli/argv.js';
import { MAX_ID_CHARS, MAX_TYPE_CHARS } from '../../src/core/events/identifier.js';
import { toNewEvent } from '../../src/protocol/validate.js';
import { ROOT } from '../helpers/daemon.js';
import { quoteWord, SHELLS } from '../helpers/scripts.js';
import { whyNo } from '../helpers/needs.js';

const EMIT = path.join(ROOT, 'hooks/emit.sh');
const DRIVER = path.join(ROOT, 'test/fixtures/emit-driver.sh');

interface Case {
  words: string[];
  /** Whether the shell builds the event. A shell may leave some to Node, but not those that it has to build. */
  by: 'shell' | 'node' | 'either';
  execution?: string | undefined;
  step?: string | undefined;
}

const controls = Array.from({ length: 31 }, (_, index) => String.fromCharCode(index + 1)).join('');
const printable = Array.from({ length: 95 }, (_, index) => String.fromCharCode(index + 32)).join('');

const texts = [
  ...['', ' ', '"', '\\', '\\"', '""', "'", '\\n', '\n', '\n\n', '\t', '\r\n', controls, printable],
  ...['\u007f', 'a\u0080b\u0085c\u009fd', '\u2028\u2029', 'ü', '漢字', '🎉', '👩‍👩‍👧', 'é"é\\é\né', '\ufeff', '\u{10ffff}'],
  ...[
    '--force',
    '-n',
    '-',
    '--',
    '-e',
    '%s%d%%',
    '$HOME',
    '`id`',
    '$(id)',
    '*',
    '?',
    '[a-z]',
    '{a,b}',
    '~',
    '!!',
    '#',
    '&',
    ';',
  ],
  ...['a=b', '=', ':=1', 'true', 'null', '1', '{"a":1}', '[]', 'x'.repeat(5_000), '\u001b[31mred\u001b[0m', '$\u0001'],
  ...['line "one"\n\tline two\\\n'.repeat(50), '"'.repeat(200), '\\'.repeat(200), '\u0001'.repeat(100)],
];
const scalars = [
  '0',
  '-0',
  '1',
  '-1',
  '10',
  '1.5',
  '-0.25',
  '1e5',
  '1E5',
  '1e+5',
  '1e-5',
  '0e0',
  '0.0',
  '120',
  'true',
  'false',
  'null',
  '12345678901234567890',
  '1e999',
];
const otherJson = ['""', '"a"', '[]', '[1,"x"]', '{}', '{"a":{"b":1}}', ' 1', '1 ', '\n1'];
const noJson = [
  '',
  'a',
  '01',
  '-01',
  '1.',
  '.5',
  '-',
  '+1',
  '1e',
  '1e+',
  'e5',
  '1e5e5',
  '1.5.5',
  '0x10',
  '1_000',
  '--1',
  'True',
  'NaN',
  'Infinity',
  '1e5.5',
  '1.e5',
  '½',
  '１',
  '"',
  '{',
  '[1',
  'true ',
  'tru',
];
const keys = [
  'a',
  'A',
  '_',
  'z9',
  'a.b',
  'a-b',
  'a_b',
  '__proto__',
  'constructor',
  'toString',
  'data',
  'n1',
  'types',
  'sequence',
  'Type',
  'steps',
  'timeout',
  'sources',
];
const noKeys = [
  '',
  '1a',
  '-a',
  '.a',
  'a b',
  'é',
  'aé',
  'a:',
  ':',
  'a/b',
  'a"b',
  'a\\b',
  'a\nb',
  '[a]',
  'a*',
  ' a',
  'a ',
];
const types = ['log', 'step_started', 'a', '007', 'a b', '"', '\\', 'task.started', '1a=b', '$x', '*'];
const ids = ['x', 'us-001', 'a b', '"', '\\', '-1', '--', '--step', 'a=b', 'a:=1', 'x'.repeat(128), '*', '$HOME', '~'];
const times = [
  '2026-11-20T12:48:46Z',
  '2026-01-31T23:59:59Z',
  '2026-12-01T00:00:00Z',
  '2026-02-28T10:10:10Z',
  '2026-10-30T20:20:20Z',
  '2026-09-30T09:09:09Z',
];
const otherTimes = [
  '2026-11-20T12:48:46.123Z',
  '2026-11-20t12:48:46z',
  '2026-11-20 12:48:46Z',
  '2026-11-20T12:48:46+01:00',
  '2028-02-29T00:00:00Z',
  '2026-06-30T23:59:60Z',
];
const noTimes = [
  '',
  'now',
  '2026-13-01T00:00:00Z',
  '2026-00-01T00:00:00Z',
  '2026-01-00T00:00:00Z',
  '2026-01-32T00:00:00Z',
  '2026-02-29T00:00:00Z',
  '2026-02-30T00:00:00Z',
  '2026-04-31T00:00:00Z',
  '2026-11-31T00:00:00Z',
  '2026-11-20T24:00:00Z',
  '2026-11-20T29:00:00Z',
  '2026-11-20T12:60:00Z',
  '2026-11-20',
  '26-11-20T12:48:46Z',
  '2026-19-20T12:48:46Z',
  '2026-11-39T12:48:46Z',
  ' 2026-11-20T12:48:46Z',
  '2026-11-20T12:48:46Z ',
];
const epochs = ['1790000000', '1790000000.123456', '0', '0.5', '1790000000123', '1e9'];
const noEpochs = ['-1', '-0.5', '1790000000123456', '999999999999999', '"x"', 'null', 'true', '""', '01', '1.', ''];

const shell = (...words: string[]): Case => ({ words, by: 'shell' });
const node = (...words: string[]): Case => ({ words, by: 'node' });
const either = (...words: string[]): Case => ({ words, by: 'either' });
const within = (execution: string | undefined, step: string | undefined, given: Case): Case => ({
  ...given,
  execution,
  step,
});

const cases: Case[] = [
  ...texts.map((text) => shell('log', `message=${text}`)),
  ...keys.flatMap((key) => [shell('log', `${key}=x`), shell('log', `${key}:=1`)]),
  ...noKeys.flatMap((key) => [node('log', `${key}=x`, 'b=1'), node('log', 'b=1', `${key}:=1`)]),
  ...scalars.map((value) => shell('log', `a:=${value}`)),
  ...[...otherJson, ...noJson].map((value) => node('log', `a:=${value}`)),
  // the type, and words that are no pairs
  ...types.map((type) => shell(type, 'a=1')),
  ...[[], [''], ['--'], ['a=b'], ['a:=1'], ['log', 'word'], ['log', 'a=1', 'word'], ['log', '']].map((words) =>
    node(...words),
  ),
  ...[
    ['a=1', 'log'],
    ['log', '{"a":1}'],
    ['log', '{"a":1}', 'b=2'],
    ['log', '--data={}', '{"a":1}'],
    ['log', '{"type":"log","execution":"e","data":{"a":1}}'],
    ['log', '{"type":"other"}'],
    ['log', '[1]'],
    ['{"type":"log"}'],
    ['{'],
    ['log', '--', '--', 'a=1'],
    ['log', '--', '--a=1'],
    ['log', '--', 'word'],
    ['log', '-'],
  ].map((words) => node(...words)),
  ...['\n', 'a\tb', 'a\u007f', 'a\u001bb', 'x'.repeat(129), '-x', '--log', 'journal_note', 'alert_triggered'].map(
    (type) => node(type, 'a=1'),
  ),
  ...['ü', '🎉', 'a\u0085', 'x'.repeat(65), 'x'.repeat(128), '🎉'.repeat(64)].map((type) => either(type)),
  shell('log'),
  shell('log', '--'),
  shell('log', 'a=1', 'b=2', 'c:=3', 'd='),
  shell('log', '--', 'a=1'),
  shell('--', 'log', 'a=1'),
  shell('log', 'a=1', '--', 'b=2'),
  // of duplicate keys the last counts
  shell('log', 'a=1', 'a=2'),
  shell('log', 'a=1', 'a:=2', 'b=x', 'a=3'),
  shell('log', '__proto__=1', '__proto__:=2'),
  // options
  ...ids.flatMap((id) => [
    shell('log', '--execution', id),
    shell('--step', id, 'log'),
    shell(`--execution=${id}`, 'log', `--step=${id}`, 'a=1'),
    shell('log', `execution=${id}`, `step=${id}`),
  ]),
  ...['', '\n', 'a\tb', '\u007f', 'x'.repeat(257)].flatMap((id) => [
    node('log', '--execution', id),
    node('log', `--step=${id}`),
    node('log', `execution=${id}`),
    within('run', undefined, node('log', `step=${id}`)),
  ]),
  ...['ü', '漢字', '🎉', 'a\u0085', '\u00a0', 'x'.repeat(256), '🎉'.repeat(128), '🎉'.repeat(129)].flatMap((id) => [
    either('log', '--execution', id),
    either('log', `step=${id}`),
    within(id, id, either('log')),
  ]),
  shell('log', '--execution', 'a', '--step', 'b', 'execution=c', 'step=d'),
  shell('log', '--execution', 'a', 'step=d'),
  shell('log', 'execution=c', 'execution=d'),
  shell('--execution', 'a', '--step', 'b', 'log', '--', 'c=d'),
  node('log', '--execution', 'a', '--execution', 'b'),
  node('log', '--execution=a', '--execution=b'),
  node('--step=a', 'log', '--step', 'b'),
  node('log', '--execution'),
  node('log', '--step'),
  node('--execution', 'log'),
  shell('log', 'a=b', '--step', 's'),
  shell('log', 'a=b', '--execution=x', 'c=d', '--step', '-s'),
  node('log', 'a=b', '--step'),
  node('log', 'a=b', '--wait'),
  ...[
    '--wait',
    '--stdin',
    '--json',
    '--help',
    '-h',
    '--version',
    '-V',
    '--no-such',
    '--execution-id=x',
    '--steps',
    '-x',
    '---',
    '--Step=x',
  ].map((option) => node('log', option)),
  node('log', '--data', '{"a":1}'),
  node('log', '--data={"a":1}', 'b=2'),
  // the envelope
  ...[
    'source=x',
    'source:="x"',
    'n=1',
    'n:=1',
    'seq=1',
    'seq:=1',
    'type=x',
    'type:=1',
    'execution:=1',
    'step:=null',
  ].map((pair) => node('log', pair)),
  ...times.map((time) => shell('log', `time=${time}`)),
  ...otherTimes.map((time) => either('log', `time=${time}`)),
  ...noTimes.map((time) => node('log', `time=${time}`)),
  ...epochs.map((time) => either('log', `time:=${time}`)),
  shell('log', 'time:=1790000000.123456'),
  ...noEpochs.map((time) => node('log', `time:=${time}`)),
  // the environment
  ...(
    [
      ['run', 'here'],
      ['run', undefined],
      [undefined, 'here'],
      ['', ''],
      ['run', ''],
      ['', 'here'],
    ] as const
  ).flatMap(([execution, step]) =>
    [
      shell('log'),
      shell('log', 'step=s'),
      shell('log', '--step', 's'),
      shell('log', '--execution', 'x'),
      shell('log', 'execution=x'),
      shell('log', 'execution=run'),
      shell('log', '--execution=run'),
      shell('log', 'execution=x', 'step=s'),
    ].map((given) => within(execution, step, given)),
  ),
  within('a\nb', undefined, node('log')),
  within('x'.repeat(257), undefined, node('log')),
  within('run', 'a\tb', node('log')),
  within('a\nb', 'c\nd', shell('log', '--execution', 'x')),
  // too much for a shell
  either('log', `message=${'x'.repeat(50_000)}`, 'b=1'),
  node('log', `a=${'x'.repeat(60_000)}`, `b=${'x'.repeat(60_000)}`),
  node('log', `a=${'"'.repeat(20_000)}`),
];

t.ok(MAX_TYPE_CHARS === 2 * 64 && MAX_ID_CHARS === 2 * 128, 'the bounds in emit.sh are half of these');

/** Words of special characters, from a generator with a fixed seed. */
function* randomCases(count: number): Generator<Case> {
  let seed = 20_261_121;
  const below = (bound: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((seed / 2 ** 31) * bound);
  };
  const parts = [
    'a',
    'b',
    '=',
    ':=',
    ':',
    '"',
    '\\',
    '\n',
    '\t',
    '\u0001',
    '\u001b',
    '\u007f',
    "'",
    '$',
    '`',
    '*',
    '-',
    '--',
    ' ',
    'é',
    '🎉',
    '0',
    '1',
    '.',
    'e',
    '%',
    '!',
    '[',
    ']',
    '{',
    '}',
    '\u0085',
    'true',
  ];
  const word = () => Array.from({ length: below(8) }, () => parts[below(parts.length)]).join('');
  for (let at = 0; at < count; at++) {
    const words = Array.from({ length: below(4) }, () =>
      below(3) === 0 ? word() : `k${below(3)}${below(2) ? '=' : ':='}${word()}`,
    );
    yield {
      words: below(5) === 0 ? words : ['log', ...words],
      by: 'either',
      execution: below(2) ? word() : undefined,
      step: below(2) ? word() : undefined,
    };
  }
}

/** The event that Node builds; undefined if it refuses. */
function buildInNode({ words: given, execution, step }: Case): Record<string, unknown> | undefined {
  const { words, rest } = splitWords(['emit', ...given]);
  const options = new Map<string, string>();
  const operands: string[] = [];
  for (const word of words.slice(1)) {
    const [, name = '', value] = /^--([a-z]+)=(.*)$/s.exec(word) ?? [];
    if (value !== undefined && !options.has(name)) options.set(name, value);
    else if (word.startsWith('-')) return undefined;
    else operands.push(word);
  }
  const [type, ...pairs] = operands;
  const env = { PROGRESS_EXECUTION: execution, PROGRESS_STEP: step };
  try {
    const event = buildEvent({ type, ...Object.fromEntries(options) }, [...pairs, ...rest], env);
    toNewEvent(event);
    return event;
  } catch {
    return undefined;
  }
}

/** The script of the cases, for the driver. */
function toScript(given: readonly Case[]): string {
  const assign = (name: string, value: string | undefined) =>
    value === undefined ? `unset ${name}` : `${name}=${quoteWord(value)}`;
  return given
    .map(
      ({ words, execution, step }) =>
        `${assign('PROGRESS_EXECUTION', execution)}; ${assign('PROGRESS_STEP', step)}; build ${words.map(quoteWord).join(' ')}\n`,
    )
    .join('');
}

/** JSON has no Infinity: null replaces it, also in the daemon. */
function asWritten(event: unknown): unknown {
  return JSON.parse(JSON.stringify(event));
}

const all = [...cases, ...randomCases(600)];

for (const { name, command, skip } of SHELLS) {
  for (const locale of ['C.UTF-8', 'C']) {
    t.test(`${name} builds the events that Node builds, or leaves them to it (${locale})`, { skip }, (t) => {
      const file = path.join(t.testdir({}), 'cases.sh');
      writeFileSync(file, toScript(all));
      const [program, ...args] = command;
      const { stdout, stderr, status } = spawnSync(program, [...args, DRIVER, EMIT, file], {
        env: { PATH: process.env['PATH'], LC_ALL: locale },
        encoding: 'utf8',
        maxBuffer: 64 * 1024 * 1024,
      });
      t.equal(stderr, '');
      t.equal(status, 0);
      const lines = stdout.trimEnd().split('\n');
      t.equal(lines.length, all.length);
      const wrong = all.flatMap((given, index) => {
        const complaint = judge(given, lines[index] ?? '');
        return complaint === undefined ? [] : [{ ...given, line: lines[index], complaint }];
      });
      t.strictSame(wrong.slice(0, 5), []);
      t.ok(lines.filter((line) => line !== 'node').length > 300, 'most of them it builds');
      t.end();
    });
  }
}

/** Returns the fault of a shell's answer. */
function judge(given: Case, line: string): string | undefined {
  if (line === 'node') return given.by === 'shell' ? 'it is for the shell to build' : undefined;
  if (given.by === 'node') return 'it is for Node';
  const expected = buildInNode(given);
  if (!expected) return 'Node refuses it';
  const built = JSON.parse(line) as Record<string, unknown>;
  if (expected['time'] === undefined) delete built['time'];
  return JSON.stringify(sorted(built)) === JSON.stringify(sorted(asWritten(expected)))
    ? undefined
    : 'Node builds another';
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value === Infinity ? null : value;
  return Object.entries(value)
    .map(([key, item]): unknown => [key, sorted(item)])
    .sort();
}

t.test('Node builds all events that the shell has to build', (t) => {
  const refused = cases.filter((given) => given.by === 'shell' && !buildInNode(given));
  t.strictSame(refused, []);
  t.end();
});

t.test('shellcheck reports nothing', { skip: whyNo('shellcheck') }, (t) => {
  const files = [
    'bin/progress',
    'hooks/emit.sh',
    'hooks/mask.sh',
    'hooks/progress.sh',
    'test/fixtures/emit-driver.sh',
    'test/fixtures/story.sh',
  ];
  const { stdout } = spawnSync('shellcheck', files, { cwd: ROOT, encoding: 'utf8' });
  t.equal(stdout, '');
  t.end();
});
