import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { createHome, PROGRESS } from '../helpers/daemon.js';
import { whyNo } from '../helpers/needs.js';

/** The unit with the paths of this installation. */
const unit = createHome(t).progress(['daemon', 'unit']).stdout;

t.test('stopping the unit ends only the daemon', (t) => {
  t.match(unit, /^KillMode=process$/m);
  t.end();
});

t.test('the unit has absolute paths only', (t) => {
  const cli = path.join(path.dirname(PROGRESS), '../dist/cli.js');
  t.match(unit, `\nExecStart=${process.execPath} ${path.resolve(cli)} daemon run\n`);
  t.match(unit, `\nExecStartPre=-${process.execPath} ${path.resolve(cli)} daemon stop\n`);
  t.notMatch(unit, '@');
  t.end();
});

const skip = whyNo('systemd-analyze');

t.test('systemd-analyze reports nothing about the unit', { skip }, (t) => {
  const directory = t.testdir();
  const env = { ...process.env, XDG_RUNTIME_DIR: directory };
  const UNIT = path.join(directory, 'progress.service');
  writeFileSync(UNIT, unit);
  const { stdout, stderr, error } = spawnSync('systemd-analyze', ['--user', '--man=no', 'verify', UNIT], { env });
  t.notOk(error);
  // it reads all units of the machine, and may report others
  const complaints = `${stdout.toString()}${stderr.toString()}`
    .split('\n')
    .filter((line) => line.includes('progress.service'));
  t.strictSame(complaints, []);
  t.end();
});
