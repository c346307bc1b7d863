import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { identityOf } from '../../src/platform/processes.js';
import type { RunRecord, RunSpec } from '../../src/runner/store.js';
import { claimRun, hasSpec, readRecord, readSpec, updateRecord, writeSpec } from '../../src/runner/store.js';

const spec = (id: string): RunSpec => ({ id, argv: ['true'], cwd: '/', env: { SECRET: 'x' }, pty: false });
const record = (pid = process.pid): RunRecord => ({ runner: { pid, start: 1, boot: 'b' }, source: `run-${pid}-abc` });
const modeOf = (file: string) => (statSync(file).mode & 0o777).toString(8);

t.test('the spec of a run is kept, for its user only', (t) => {
  const runs = path.join(t.testdir(), 'runs');
  const umask = process.umask(0);
  t.teardown(() => process.umask(umask));
  t.notOk(hasSpec({ runs }, 'abc'));
  writeSpec({ runs }, spec('abc'));
  t.ok(hasSpec({ runs }, 'abc'));
  t.strictSame(readSpec({ runs }, 'abc'), spec('abc'));
  t.ok(claimRun({ runs }, 'abc', record()));
  updateRecord({ runs }, 'abc', record());
  t.equal(modeOf(path.join(runs, 'abc')), '700');
  t.equal(modeOf(path.join(runs, 'abc/spec.json')), '600');
  t.equal(modeOf(path.join(runs, 'abc/runner.json')), '600');
  t.strictSame(readdirSync(path.join(runs, 'abc')).sort(), ['runner.json', 'spec.json'], 'no draft is left');
  t.end();
});

t.test('a run is claimed once, by the first', (t) => {
  const runs = t.testdir();
  writeSpec({ runs }, spec('abc'));
  t.equal(readRecord({ runs }, 'abc'), undefined);
  t.ok(claimRun({ runs }, 'abc', record(42)));
  t.notOk(claimRun({ runs }, 'abc', record(43)));
  t.strictSame(readRecord({ runs }, 'abc'), record(42));
  const child = identityOf(process.pid)!;
  updateRecord({ runs }, 'abc', { ...record(42), child });
  t.strictSame(readRecord({ runs }, 'abc')?.child, child);
  t.notOk(claimRun({ runs }, 'abc', record(44)));
  t.strictSame(readdirSync(path.join(runs, 'abc')).sort(), ['runner.json', 'spec.json']);
  t.end();
});

t.test('an ID that is not the name of a run has no directory', (t) => {
  const directory = t.testdir({ 'spec.json': '{"argv":["evil"]}', 'runner.json': '{}', runs: {} });
  const runs = path.join(directory, 'runs');
  for (const id of ['..', '../x', '.', '', 'a/b', '/etc', 'A', 'x'.repeat(65), 'a\0b', 'task.1', 'id~2']) {
    t.notOk(hasSpec({ runs }, id), JSON.stringify(id));
    const refusal = { code: 'not_found' };
    t.throws(() => readSpec({ runs }, id), refusal);
    t.throws(() => readRecord({ runs }, id), refusal);
    t.throws(() => writeSpec({ runs }, spec(id)), refusal);
    t.throws(() => claimRun({ runs }, id, record()), refusal);
    t.throws(() => updateRecord({ runs }, id, record()), refusal);
  }
  t.strictSame(readdirSync(directory).sort(), ['runner.json', 'runs', 'spec.json']);
  t.strictSame(readdirSync(runs), []);
  t.end();
});

t.test('a missing or torn record is unknown; an unreadable one is an error', (t) => {
  const runs = t.testdir();
  t.throws(() => readSpec({ runs }, 'abc'), { code: 'not_found', message: /the command of abc is not recorded/ });
  t.equal(readRecord({ runs }, 'abc'), undefined);
  mkdirSync(path.join(runs, 'abc'));
  writeFileSync(path.join(runs, 'abc/spec.json'), '{"id":"ab');
  writeFileSync(path.join(runs, 'abc/runner.json'), '');
  t.throws(() => readSpec({ runs }, 'abc'), { code: 'not_found' });
  t.equal(readRecord({ runs }, 'abc'), undefined);
  mkdirSync(path.join(runs, 'def/runner.json'), { recursive: true });
  t.throws(() => readRecord({ runs }, 'def'), { code: 'no_permission', message: /runner\.json is not a regular file/ });
  t.throws(() => claimRun({ runs }, 'unmade', record()), { code: 'ENOENT' });
  t.end();
});
