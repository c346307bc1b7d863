import { execFileSync } from 'node:child_process';
import { truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { configKeys, getConfigValue, loadConfig, parseConfig } from '../../src/config/load.js';
import { ProgressError } from '../../src/core/base/errors.js';

/** Returns the error message of an invalid text. */
function refusal(text: string): string {
  return messageOf(() => parseConfig(text, 'c.yaml'));
}

function messageOf(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    if (error instanceof ProgressError && error.code === 'bad_config') return error.message;
    throw error;
  }
  return 'accepted';
}

const DEFAULTS = {
  journal: {
    segmentSize: 16_777_216,
    segmentAge: 86_400_000,
    sync: 'interval',
    retainAge: 604_800_000,
    retainSize: 1_073_741_824,
  },
  socket: { maxConnections: 512 },
  memory: { open: 1_000, ended: 1_000, summaries: 10_000 },
  daemon: { logSize: 1_048_576, startWithShell: true },
  alerts: { desktop: true, rate: 20, retryFor: 86_400_000, interactive: ['builtin'] },
  rules: ['builtin'],
  channels: {},
  masks: [],
  ignore: { commands: [], directories: [] },
  queues: {},
  runs: { outputLimit: 64 * 1024 * 1024 },
  silence: { after: 120_000, factor: 3 },
  follow: { claude: false, codex: false, gemini: false, backfill: 86_400_000, silence: 1_800_000 },
  watch: { rate: 10 },
  web: { enabled: false, port: 7878, maxStreams: 100, heartbeat: 30_000 },
};

t.test('a missing file, an empty one and empty groups mean the defaults', (t) => {
  t.strictSame(loadConfig(path.join(t.testdir(), 'config.yaml')), DEFAULTS);
  for (const text of ['', '# nothing yet\n', '{}', '---\n', 'journal:\nwatch: ~\n', '\uFEFF']) {
    t.strictSame(parseConfig(text, 'c.yaml'), DEFAULTS, JSON.stringify(text));
  }
  t.end();
});

t.test('sizes and durations may be text or numbers, and are parsed to bytes and milliseconds', (t) => {
  const file = path.join(
    t.testdir({ 'c.yaml': 'journal:\n  segmentSize: 1MiB\n  retainAge: 3d\n  segmentAge: 90000\n' }),
    'c.yaml',
  );
  t.strictSame(loadConfig(file), {
    ...DEFAULTS,
    journal: { ...DEFAULTS.journal, segmentSize: 1_048_576, retainAge: 259_200_000, segmentAge: 90_000 },
  });
  t.end();
});

t.test('a flag is true or false, and nothing similar', (t) => {
  t.equal(parseConfig('alerts: {desktop: false}', 'c.yaml').alerts.desktop, false);
  for (const desktop of ['no', '0', '"true"', '']) {
    t.match(refusal(`alerts: {desktop: ${desktop}}`), /alerts.desktop: is .*, wanted true or false$/, desktop);
  }
  t.end();
});

t.test('the configuration is frozen', (t) => {
  const config = parseConfig('', 'c.yaml');
  t.ok(Object.isFrozen(config));
  t.ok(Object.values(config).every((settings) => Object.isFrozen(settings)));
  t.end();
});

t.test('all errors are listed in the order of the file, with position and accepted values', (t) => {
  const text = [
    'journal:',
    '  segmentsize: 1MiB',
    '  sync: sometimes',
    'watch: 3',
    'socket: [1]',
    'memory:',
    '  ended:',
    '  summaries: 1.5',
    'daemon:',
    '  logSize: 1KiB',
  ].join('\n');
  t.strictSame(refusal(text).split('\n'), [
    'c.yaml:2:3: journal.segmentsize: is no configuration key; did you mean journal.segmentSize?',
    'c.yaml:3:9: journal.sync: is "sometimes", wanted one of interval, always, never',
    'c.yaml:4:8: watch: is 3, wanted a mapping of keys',
    'c.yaml:5:9: socket: is a list, wanted a mapping of keys',
    'c.yaml:7:9: memory.ended: is empty, wanted a whole number from 0 to 100000',
    'c.yaml:8:14: memory.summaries: is 1.5, wanted a whole number from 0 to 1000000',
    'c.yaml:10:12: daemon.logSize: is "1KiB", wanted a size from 16KiB to 1GiB, as text like 16MiB or as a number of bytes',
  ]);
  t.end();
});

t.test('bounds are inclusive', (t) => {
  for (const rate of [1, 60]) t.equal(parseConfig(`watch: {rate: ${rate}}`, 'c.yaml').watch.rate, rate);
  for (const rate of ['0', '61', '"10"', '.inf', '.nan', 'true', '{}', '1e400']) {
    t.match(
      refusal(`watch: {rate: ${rate}}`),
      /^c.yaml:1:15: watch.rate: is .*, wanted a whole number from 1 to 60$/,
      rate,
    );
  }
  t.match(refusal('journal: {retainAge: 59s}'), 'is "59s", wanted a duration from 1m to 3650d');
  t.end();
});

t.test('an unknown key has a suggestion', (t) => {
  t.match(refusal('jurnal: {}'), /^c.yaml:1:1: jurnal: .* did you mean journal\?$/);
  t.match(refusal('segmentAge: 3d'), 'did you mean journal.segmentAge?');
  t.match(refusal('journal.sync: never'), '"journal.sync": must be nested');
  t.match(refusal('colour: blue'), 'colour: is no configuration key; progress-config(5) lists them');
  t.end();
});

t.test('names of the prototype are unknown keys', (t) => {
  for (const key of ['__proto__', 'constructor', 'toString']) {
    t.match(refusal(`${key}: {}`), `c.yaml:1:1: ${key}: is no configuration key`);
    t.match(refusal(`watch:\n  ${key}: {}`), `c.yaml:2:3: watch.${key}: is no configuration key`);
  }
  t.end();
});

t.test('the error for a key of a former version has its new name', (t) => {
  t.equal(refusal('alerts:\n  giveUp: 1h'), 'c.yaml:2:3: alerts.giveUp: was renamed to alerts.retryFor');
  t.throws(() => getConfigValue(parseConfig('', 'c.yaml'), 'alerts.giveUp'), { code: 'usage', message: /renamed/ });
  t.end();
});

t.test('a duplicate key is refused at its second position', (t) => {
  t.equal(refusal('watch:\n  rate: 1\n  rate: 2'), 'c.yaml:3:3: watch.rate: is given twice; remove one');
  t.equal(refusal('watch:\nwatch:\n'), 'c.yaml:2:1: watch: is given twice; remove one');
  t.end();
});

t.test('invalid YAML and oversized files are refused with a position', (t) => {
  t.match(refusal('watch:\n  rate: [1\n'), /^c.yaml:\d:\d+: Flow sequence/);
  t.match(refusal('watch: !big 1'), 'c.yaml:1:8: Unresolved tag');
  t.match(refusal('? [a]\n: 1'), 'c.yaml:1:3: is no key; wanted a name');
  t.match(refusal('---\nwatch:\n---\nwatch:\n'), 'c.yaml:3:1: begins a second document; wanted one');
  t.match(refusal('hello'), 'c.yaml:1:1: is "hello", wanted a mapping of keys');
  t.match(refusal('- 1'), 'c.yaml:1:1: is a list, wanted a mapping of keys');
  t.end();
});

t.test('text from the file is shown short and without control characters', (t) => {
  t.match(refusal(`watch: {rate: "${'x'.repeat(1_000)}"}`), new RegExp(`is "x{40}\\.{3}", wanted`));
  t.match(refusal('"\\e[31m": 1'), 'c.yaml:1:1: "\\u001b[31m": is no configuration key');
  t.end();
});

t.test('of thousands of errors twenty are shown and the others counted', (t) => {
  const lines = refusal('@: 1\n'.repeat(9_000)).split('\n');
  t.equal(lines.length, 21);
  t.equal(lines.at(-1), 'and 8980 more');
  t.end();
});

t.test('a huge file is refused before it is read completely', (t) => {
  const file = path.join(t.testdir(), 'c.yaml');
  writeFileSync(file, '');
  truncateSync(file, 5 * 2 ** 30); // more than Node reads at once
  t.equal(
    messageOf(() => loadConfig(file)),
    `${file}:1:1: the file is longer than 65536 bytes`,
  );
  t.end();
});

t.test('deep nesting of any kind is refused before it reaches the recursive part of the parser', (t) => {
  for (const opener of ['[', '{a: ', '- ', '? ', ': ']) {
    t.match(refusal(opener.repeat(15_000)), /^c.yaml:1:\d+: is nested too deeply$/, opener);
  }
  const indented = Array.from({ length: 300 }, (_, level) => `${' '.repeat(level)}a:`).join('\n');
  t.match(refusal(indented), /^c.yaml:\d+:\d+: is nested too deeply$/);
  t.end();
});

t.test('aliases are refused with their position', (t) => {
  t.equal(refusal('a: &a 1\nb: *a'), 'c.yaml:2:4: aliases are not supported; write the value out');
  const bomb = ['a0: &a0 [x, x]', ...Array.from({ length: 40 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}]`)];
  t.match(refusal(bomb.join('\n')), 'c.yaml:2:10: aliases are not supported');
  t.end();
});

t.test('a file that is not UTF-8 is refused with the line', (t) => {
  const file = path.join(t.testdir(), 'c.yaml');
  writeFileSync(file, Buffer.from('watch:\n  rate: \xff\n', 'latin1'));
  t.equal(
    messageOf(() => loadConfig(file)),
    `${file}:2:9: is not UTF-8; save the file as UTF-8`,
  );
  t.end();
});

t.test('a directory, a pipe and an unreadable place are errors, not defaults', (t) => {
  const directory = t.testdir({ file: '' });
  const fifo = path.join(directory, 'fifo');
  execFileSync('mkfifo', [fifo]);
  t.equal(
    messageOf(() => loadConfig(directory)),
    `${directory}: is not a regular file`,
  );
  t.equal(
    messageOf(() => loadConfig(fifo)),
    `${fifo}: is not a regular file`,
  );
  t.equal(
    messageOf(() => loadConfig(path.join(directory, 'file', 'c.yaml'))),
    `${directory}/file/c.yaml: cannot be read (ENOTDIR)`,
  );
  t.end();
});

t.test('every default is accepted by its own schema', (t) => {
  const keys = configKeys();
  t.strictSame(keys.map(({ key }) => key).slice(0, 3), ['journal.segmentSize', 'journal.segmentAge', 'journal.sync']);
  t.match(keys[0], {
    type: 'size',
    unit: 'bytes',
    default: '16MiB',
    wanted: 'a size from 64KiB to 1GiB',
    description: /\.$/,
  });
  const config = parseConfig('', 'c.yaml');
  for (const { key, default: fallback } of keys) {
    const [group, name] = key.split('.');
    const text = name === undefined ? `${group}: ${fallback}` : `${group}: {${name}: ${fallback}}`;
    t.strictSame(parseConfig(text, 'c.yaml'), config, key);
  }
  t.end();
});

t.test('a value is found by its dotted key, and a wrong key is a usage error', (t) => {
  const config = parseConfig('watch: {rate: 5}', 'c.yaml');
  t.equal(getConfigValue(config, 'watch.rate'), 5);
  t.equal(getConfigValue(config, 'journal.sync'), 'interval');
  t.throws(() => getConfigValue(config, 'watch.rat'), { code: 'usage', message: /did you mean watch.rate\?$/ });
  t.strictSame(getConfigValue(config, 'watch'), { rate: 5 }, 'or a group by its own');
  for (const key of ['', '.', 'watch.', 'watch[', 'watch.rate.x', 'toString', 'journal."sync']) {
    t.throws(() => getConfigValue(config, key), { code: 'usage' }, key);
  }
  t.end();
});
