import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { whyNo } from '../helpers/needs.js';

const UNIT = path.resolve(import.meta.dirname, '../../hooks/progress.service');

t.test('stopping the unit ends the daemon alone', (t) => {
  t.match(readFileSync(UNIT, 'utf8'), /^KillMode=process$/m);
  t.end();
});

const skip = whyNo('systemd-analyze');

t.test('systemd accepts the unit without a word', { skip }, (t) => {
  const env = { ...process.env, XDG_RUNTIME_DIR: t.testdir() };
  const { stdout, stderr, error } = spawnSync('systemd-analyze', ['--user', '--man=no', 'verify', UNIT], { env });
  t.notOk(error);
  // it reads all units of the machine, and may have something to say about others
  const complaints = `${stdout.toString()}${stderr.toString()}`
    .split('\n')
    .filter((line) => line.includes('progress.service'));
  t.strictSame(complaints, []);
  t.end();
});
