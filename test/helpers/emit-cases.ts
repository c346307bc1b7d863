/** Command lines of `progress emit` that shells build events from, and some that they leave to the program. */
import type { EmitArguments } from '../../src/cli/commands/emit/arguments.js';

/** Words after `progress emit`, and their meaning: undefined if they are left to the program. */
export type Case = [words: string[], args?: EmitArguments, pairs?: string[]];

const TEXTS = [
  ...[
    '',
    ' ',
    '"',
    '\\',
    '\\"',
    "'",
    '\\n',
    '\n',
    '\n\n',
    '\n a\n\n',
    '\t',
    '\r\n',
    'é',
    '漢字 🎉',
    '\u0085\u2028\ufeff',
    '\u007f',
  ],
  ...[
    '--force',
    '-',
    '--',
    '-n',
    '%s%d',
    '$HOME',
    '(id)',
    '*',
    '?',
    '{a,b}',
    '~',
    '#',
    'a=b',
    '=',
    ':=1',
    'null',
    '{"a":1}',
  ],
  Array.from({ length: 31 }, (_, index) => String.fromCharCode(index + 1)).join(''),
  Array.from({ length: 95 }, (_, index) => String.fromCharCode(index + 32)).join(''),
];
const SCALARS = [
  '0',
  '-0',
  '10',
  '-1.5',
  '0.25',
  '1e5',
  '1E+5',
  '1.5e-3',
  '12345678901234567890',
  'true',
  'false',
  'null',
];
const NOT_SCALARS = [
  '',
  '01',
  '1.',
  '.5',
  '-',
  '+1',
  '1e',
  '--1',
  'True',
  'NaN',
  '1 ',
  ' 1',
  '1\n',
  '"a"',
  '[]',
  '{}',
  '{',
];
const KEYS = ['a', '_', 'z9', 'a.b', 'a-b', '__proto__', 'constructor', 'types', 'n1'];
const NOT_KEYS = ['', '1a', '.a', 'a b', 'é', 'a"b', 'a\nb', '[a]'];
const ENVELOPE = ['type=x', 'seq=1', 'n=1', 'n:=1', 'source=x', 'execution=', 'step=', 'execution:=1', 'step:=null'];

/** Words that one shell builds and another leaves to the program are not included. */
export const CASES: Case[] = [
  ...TEXTS.map((text): Case => [['log', `key=${text}`], { type: 'log' }, [`key=${text}`]]),
  ...SCALARS.map((text): Case => [['log', `key:=${text}`], { type: 'log' }, [`key:=${text}`]]),
  ...KEYS.map((key): Case => [['log', `${key}=1`, 'b=2'], { type: 'log' }, [`${key}=1`, 'b=2']]),
  ...[...NOT_SCALARS.map((text) => `key:=${text}`), ...NOT_KEYS.map((key) => `${key}=1`), ...ENVELOPE].map(
    (pair): Case => [['log', pair]],
  ),
  [['log'], { type: 'log' }],
  [['log', 'a=1', 'a=2'], { type: 'log' }, ['a=2']],
  [['log', '--', 'a=1'], { type: 'log' }, ['a=1']],
  [['--step', 's', 'log', '--execution=e f'], { type: 'log', step: 's', execution: 'e f' }],
  [['log', '--step', '--', 'a=1'], { type: 'log', step: '--' }, ['a=1']],
  [['log', '--step=a=b'], { type: 'log', step: 'a=b' }],
  [['log', '--execution', '"\\'], { type: 'log', execution: '"\\' }],
  [['log', 'step=x', 'execution=e'], { type: 'log' }, ['step=x', 'execution=e']],
  [['log', '--step=a', 'step=b'], { type: 'log', step: 'a' }, ['step=b']],
  [['log', 'execution=outer'], { type: 'log' }, ['execution=outer']],
  [['log', '--execution=outer', '--step=s'], { type: 'log', execution: 'outer', step: 's' }],
  [['log', 'time=2026-11-20T12:48:46Z'], { type: 'log' }, ['time=2026-11-20T12:48:46Z']],
  [['log', 'time:=1790000000.5'], { type: 'log' }, ['time:=1790000000.5']],
  ...['time=now', 'time=2026-02-30T00:00:00Z', 'time:=-1', 'time:=1e9', 'time:="x"'].map((pair): Case => [
    ['log', pair],
  ]),
  ...[[], [''], ['--'], ['log', 'word'], ['log', '--wait'], ['log', '--data', '{}'], ['log', '-h'], ['--stdin']].map(
    (words): Case => [words],
  ),
  ...[
    ['log', '--step'],
    ['log', '--step='],
    ['log', '--step', ''],
    ['--step=a', 'log', '--step=b'],
    ['journal_note'],
    ['alert_triggered'],
  ].map((words): Case => [words]),
  ...[['log', '--', '--step=x'], ['x'.repeat(65)], ['a\nb']].map((words): Case => [words]),
  // options anywhere before `--`
  [['log', 'a=1', '--step=x'], { type: 'log', step: 'x' }, ['a=1']],
  [
    ['log', 'a=1', '--execution', '-x', 'b=2', '--step', '{'],
    { type: 'log', execution: '-x', step: '{' },
    ['a=1', 'b=2'],
  ],
  [['log', 'a=1', '--'], { type: 'log' }, ['a=1']],
  [['log', 'a=1', '--', 'b=2'], { type: 'log' }, ['a=1', 'b=2']],
  [['--step=s', '--', 'log', 'a=1'], { type: 'log', step: 's' }, ['a=1']],
  ...[
    ['log', 'a=1', '--step'],
    ['log', 'a=1', '--wait'],
    ['log', 'a=1', '--step=x', '--step', 'y'],
    ['a=1', 'log'],
    ['log', '{"a":1}'],
    ['{"type":"log"}'],
    ['log', '--', '{}'],
  ].map((words): Case => [words]),
];

/** Possible values of `PROGRESS_*`. */
export const SURROUNDINGS: [string, Record<string, string>][] = [
  ['alone', {}],
  ['inside a run', { PROGRESS_EXECUTION: 'outer', PROGRESS_STEP: 'inner "step"' }],
];
