import t from 'tap';
import { setConfigValue, unsetConfigValue } from '../../src/config/edit.js';
import { parseConfig } from '../../src/config/load.js';

const TEXT = `# mine

# how much is kept
journal:
    retainAge: 30d     # a month


    # and the size
    retainSize: "4GiB"
watch:   # nothing yet
rules:
- builtin
- name: nightly   # every night
  when: { name: "backup-*",   type: execution_failed }
  notify: [desktop]
# the end
`;

function set(key: string, value: string, text = TEXT): string {
  return setConfigValue(text, 'c.yaml', key, value);
}

function unset(key: string, text = TEXT): string {
  return unsetConfigValue(text, 'c.yaml', key);
}

/** Returns the lines that only one of the texts contains. */
function changes(after: string): { gone: string[]; come: string[] } {
  const [old, now] = [TEXT.split('\n'), after.split('\n')];
  return { gone: old.filter((line) => !now.includes(line)), come: now.filter((line) => !old.includes(line)) };
}

t.test('a value is replaced in place, and nothing else changes', async (t) => {
  t.equal(set('journal.retainAge', '14d'), TEXT.replace('30d', '14d'));
  t.equal(set('journal.retainSize', '1GiB'), TEXT.replace('"4GiB"', '1GiB'));
  t.equal(set('rules[1].when.name', '*'), TEXT.replace('"backup-*"', '"*"'), 'text is taken as it is');
  t.equal(set('rules[1].when.name', 'a: b'), TEXT.replace('"backup-*"', '"a: b"'));
  t.equal(set('rules[1].notify', '[desktop, bell]'), TEXT.replace('[desktop]', '[ desktop, bell ]'));
  t.strictSame(parseConfig(set('rules', '[builtin]'), 'c.yaml').rules, ['builtin']);
  t.match(set('rules', '[builtin]'), /\nrules: \[ builtin \]\n# the end\n$/);
});

t.test('a new value is added at the end of its group', async (t) => {
  t.strictSame(changes(set('journal.sync', 'never')), { gone: [], come: ['    sync: never'] });
  t.match(set('journal.sync', 'never'), /"4GiB"\n {4}sync: never\nwatch/);
  t.match(set('watch.rate', '5'), /watch: {3}# nothing yet\n {4}rate: 5\nrules/);
  t.match(set('rules[1].throttle', '5m'), / {2}notify: \[desktop\]\n {2}throttle: 5m\n# the end\n$/);
  t.match(
    set('rules[2]', '{name: x, when: {status: failed}}'),
    /\n- \{ name: x, when: \{ status: failed \} \}\n# the end/,
  );
  t.match(set('queues."a b".slots', '3'), /\nqueues:\n {4}a b:\n {8}slots: 3\n# the end\n$/);
  t.match(
    set('channels.ops', '{type: command, command: say}'),
    /\nchannels:\n {4}ops: \{ type: command, command: say \}\n/,
  );
});

t.test('a value is added to a text without values', async (t) => {
  t.equal(set('watch.rate', '5', ''), 'watch:\n  rate: 5\n');
  t.equal(set('watch.rate', '5', '# mine'), '# mine\nwatch:\n  rate: 5\n');
  t.equal(set('watch.rate', '5', 'watch:'), 'watch:\n  rate: 5\n');
  t.equal(parseConfig(set('watch.rate', '5', '{}'), 'c.yaml').watch.rate, 5);
  t.equal(parseConfig(set('watch.rate', '5', '{ web: { port: 8000 } }'), 'c.yaml').watch.rate, 5);
  t.equal(set('watch.rate', '5', 'web:\n  port: 8000'), 'web:\n  port: 8000\nwatch:\n  rate: 5\n');
  t.equal(set('masks[0]', 'a+', ''), 'masks:\n  - a+\n');
});

t.test('unsetting removes the line, and a group that becomes empty', async (t) => {
  t.strictSame(changes(unset('journal.retainAge')), { gone: ['    retainAge: 30d     # a month'], come: [] });
  t.strictSame(changes(unset('rules[0]')), { gone: ['- builtin'], come: [] });
  t.strictSame(changes(unset('rules[1].notify')), { gone: ['  notify: [desktop]'], come: [] });
  t.equal(unset('watch.rate', '# a\nwatch:\n  rate: 5\nweb:\n  port: 8000\n'), '# a\nweb:\n  port: 8000\n');
  t.equal(unset('watch.rate', 'watch:\n  rate: 5\n'), '');
});

t.test('unsetting a missing key changes nothing', async (t) => {
  t.equal(unset('web.port'), TEXT);
  t.equal(unset('channels.ops'), TEXT);
  t.throws(() => unset('web.prot'), { code: 'usage', message: /^web.prot: is no configuration key/ });
});

t.test('a change that would make the file invalid is refused, without positions in an unseen text', async (t) => {
  for (const [key, value, message] of [
    ['watch.rate', '900', /^watch.rate: is 900, wanted a whole number/],
    ['watch.ratee', '5', /^watch.ratee: is no configuration key; did you mean watch.rate\?$/],
    ['watch.rate', '[', /^watch.rate: "\[" is no YAML/],
    ['watch.rate.x', '1', /^watch.rate: is a mapping, wanted a whole number/],
    ['rules[0].x', '1', /cannot be set, as a part of the path is no group$/],
    ['rules[9]', 'builtin', /^rules\[2\]: is empty/],
    ['rules[1].when.output', '(', /no regular expression/],
    ['rules[1].notify', 'ops', /^rules\[1\].notify: there is no channel "ops"/],
    ['channels.ops', '{ type: webhook, url: "http://a", token: x }', /^channels.ops.token: is a secret/],
    ['', '1', /is no configuration key/],
    ['watch.', '1', /is no configuration key/],
  ] as const) {
    t.throws(() => set(key, value), { code: 'usage', message }, `${key}=${value}`);
  }
  t.throws(() => unset('rules[1].name'), { code: 'usage', message: 'rules[1].name: is missing' });
});

t.test('an invalid file is not changed', async (t) => {
  t.throws(() => set('watch.rate', '5', 'watch: ['), { code: 'bad_config', message: /^c.yaml:1:/ });
  t.throws(() => unset('watch.rate', 'wach: 1'), { code: 'bad_config', message: /^c.yaml:1:1: wach/ });
});

t.test('for any text, only the requested value changes', async (t) => {
  const rules =
    'rules:\n  - name: a\n    when:\n      output: |-\n        x\n        y\n    # about b\n  - { name: b, when: { type: log } }\n';
  for (const text of [
    TEXT,
    rules,
    rules.replaceAll('  - ', '-   '),
    `${rules}...\n`,
    `---\n${rules}`,
    rules.replaceAll('\n', '\r\n'),
  ]) {
    const before = parseConfig(text, 'c.yaml');
    const slots = parseConfig(set('queues.q.slots', '7', text), 'c.yaml');
    t.strictSame(slots, { ...before, queues: { q: { slots: 7, paused: false } } });
    t.strictSame(parseConfig(unset('queues', set('queues.q.slots', '7', text)), 'c.yaml'), before);
    const added = parseConfig(set(`rules[${before.rules.length}]`, '{ name: z, when: { type: log } }', text), 'c.yaml');
    t.strictSame(added.rules.slice(0, -1), before.rules);
    t.match(added.rules.at(-1), { name: 'z' });
    const named = parseConfig(
      set('rules[1].throttle', '1m', text.replace('- builtin\n', '- { name: c, when: { type: log } }\n')),
      'c.yaml',
    );
    t.match(named.rules[1], { throttle: 60_000 });
  }
});
