import { homedir } from 'node:os';
import t from 'tap';
import type { NewEvent } from '../../../src/core/events/event.js';
import { createIgnoreFilter } from '../../../src/daemon/intake/ignore-filter.js';

function started(execution: string, name: string, cwd = '/work', kind = 'command'): NewEvent {
  return { type: 'execution_started', execution, data: { kind, name, cwd } };
}

function ended(execution: string): NewEvent {
  return { type: 'execution_completed', execution, data: {} };
}

t.test('a command is ignored by its whole line, from its start to its end', async (t) => {
  const ignoring = createIgnoreFilter(() => ({ commands: ['ls', 'ls *', '*secret*'], directories: [] }));
  t.ok(ignoring.covers(started('a', 'ls')));
  t.ok(ignoring.covers({ type: 'log', execution: 'a', data: {} }), 'with all its events');
  t.ok(ignoring.covers(ended('a')));
  t.notOk(ignoring.covers(ended('a')), 'the next of that name is another one');
  for (const [name, wanted] of [
    ['ls -la', true],
    ['  ls  ', true],
    ['cat a-secret-file', true],
    ['lsof', false],
    ['echo ls', false],
    ['', false],
  ] as const) {
    t.equal(ignoring.covers(started('x', name)), wanted, name);
    ignoring.covers(ended('x'));
  }
});

t.test('a command is ignored by its directory or one above it', async (t) => {
  const ignoring = createIgnoreFilter(() => ({ commands: [], directories: ['~/private', '/srv/*/keys/', '/tmp/a?'] }));
  for (const [cwd, wanted] of [
    [`${homedir()}/private`, true],
    [`${homedir()}/private/deep/er`, true],
    [`${homedir()}/privately`, false],
    ['/srv/one/keys', true],
    ['/srv/one/keys/x', true],
    ['/srv/one', false],
    ['/tmp/ab/c', true],
    ['/tmp/a', false],
    ['', false],
    ['relative', false],
  ] as const) {
    t.equal(ignoring.covers(started('x', 'make', cwd)), wanted, cwd);
    ignoring.covers(ended('x'));
  }
});

t.test('only commands are ignored, and only while the configuration says so', async (t) => {
  const config = { commands: ['*'], directories: [] as string[] };
  let current = config;
  const ignoring = createIgnoreFilter(() => current);
  for (const kind of ['run', 'agent', 'task']) t.notOk(ignoring.covers(started('x', 'make', '/', kind)), kind);
  t.notOk(ignoring.covers({ type: 'log', data: {} }));
  t.ok(ignoring.covers(started('a', 'make')));
  current = { commands: [], directories: [] };
  t.notOk(ignoring.covers(started('b', 'make')));
  t.ok(ignoring.covers(ended('a')), 'one that began before is ignored to its end');
  t.notOk(ignoring.covers(ended('b')));
});

t.test('commands that never end do not fill memory', async (t) => {
  const ignoring = createIgnoreFilter(() => ({ commands: ['*'], directories: [] }));
  for (let at = 0; at <= 10_000; at++) ignoring.covers(started(`x${at}`, 'make'));
  t.notOk(ignoring.covers(ended('x0')));
  t.ok(ignoring.covers(ended('x1')));
});
