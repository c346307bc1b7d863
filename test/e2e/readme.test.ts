/** Runs the README as a user types it: in a fresh home, with only the package. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { createHome, PROGRESS, ROOT } from '../helpers/daemon.js';
import { freePort } from '../helpers/http.js';
import { whyNo } from '../helpers/needs.js';

/** Blocks of other kinds, such as `sh install` and `sh live`, change the machine or run until they are interrupted. */
const BLOCK = /^```sh\n(.*?)^```$/gms;

/** These need more than a fresh home without a desktop: history of yesterday, and a notification service. */
const MAY_FAIL = /^FAILED \d+: (progress notify .*|progress logs --since yesterday .*|progress doctor)$/;

const blocks = [...readFileSync(path.join(ROOT, 'README.md'), 'utf8').matchAll(BLOCK)].map(([, block = '']) => block);

t.test('every command of the README works', { skip: whyNo('bash') || whyNo('curl') }, async (t) => {
  t.ok(blocks.length >= 8);
  const home = createHome(t);
  const bin = path.join(home.directory, 'bin');
  mkdirSync(bin);
  for (const name of ['progress', 'progressd']) symlinkSync(PROGRESS, path.join(bin, name));
  // no browser opens
  writeFileSync(path.join(bin, 'xdg-open'), '#!/bin/sh\n');
  chmodSync(path.join(bin, 'xdg-open'), 0o755);
  writeFileSync(home.paths.config, `web: { port: ${await freePort()} }\n`);
  const script = ['trap \'echo "FAILED $?: $BASH_COMMAND" >&2\' ERR', ...blocks].join('\n');
  const { stdout, stderr } = spawnSync('bash', ['-c', script], {
    env: { ...home.env, PATH: `${bin}:${process.env['PATH']}`, SHELL: '/bin/bash' },
    cwd: home.directory,
    encoding: 'utf8',
    timeout: 240_000,
  });
  const failed = stderr.split('\n').filter((line) => line.startsWith('FAILED') && !MAY_FAIL.test(line));
  t.strictSame(failed, [], stderr);
  t.match(stdout, /^✅ backup completed /m, 'what is waited for is shown');
  t.match(stdout, /✓ completed +nightly +3\/3 steps/, 'a script inside a run is one row, with the name that was given');
  const listed = home.progress(['ps', '--all']).stdout;
  t.match(listed, /✓ completed +Nightly build +2\/2 steps/, 'a script that uses the library');
  t.match(home.progress(['logs', 'Demo']).stdout, /uploaded/, 'an event found its execution by the name');
});
