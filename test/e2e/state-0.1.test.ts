/** The journal, checkpoint and spool that version 0.1 wrote are read by this version. */
import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Test } from 'tap';
import t from 'tap';
import type { ExecutionJson } from '../../src/core/execution.js';
import { createHome, type Home, ROOT } from '../helpers/daemon.js';
import { waitFor } from '../helpers/wait.js';

const FIXTURE = path.join(ROOT, 'test/fixtures/state-0.1');
const EXPECTED = JSON.parse(readFileSync(path.join(FIXTURE, 'executions.json'), 'utf8')) as Partial<ExecutionJson>[];

/** A home with the files of the fixture, as the older daemon left them. */
function createOldHome(t: Test): Home {
  const home = createHome(t);
  for (const name of ['journal', 'spool', 'checkpoint.json']) {
    cpSync(path.join(FIXTURE, name), path.join(home.paths.state, name), { recursive: true });
  }
  mkdirSync(home.paths.state, { recursive: true });
  for (const directory of [home.paths.state, home.paths.journal, home.paths.spool]) chmodSync(directory, 0o700);
  writeFileSync(home.paths.config, 'journal: { retainAge: 3650d }\n');
  return home;
}

async function check(t: Test, home: Home): Promise<void> {
  await home.startDaemon();
  const list = async () =>
    JSON.parse((await home.invoke(['ps', '--all', '--json'])).stdout) as Partial<ExecutionJson>[];
  await waitFor('the spool to be read', async () => (await list()).some(({ id }) => id === 'spooled-execution'));
  const listed = await list();
  for (const expected of EXPECTED) {
    const found = listed.find(({ id }) => id === expected.id);
    t.match(found, expected, expected.name ?? '');
  }
  t.match(
    listed.find(({ id }) => id === 'spooled-execution'),
    { name: 'Spooled', status: 'completed', outcome: { exitCode: 0 } },
    'what was in the spool',
  );
  t.equal(listed.length, EXPECTED.length + 1);
  const { stdout } = await home.invoke(['logs', 'second']);
  t.equal(stdout.split('\n').filter((line) => /^\d+$/.test(line)).length, 12_851, 'the archived segment');
  t.match((await home.invoke(['queue', '--json'])).stdout, /"build"/);
  t.equal((await home.invoke(['journal', 'verify'])).status, 0);
}

t.test('with its checkpoint', async (t) => {
  await check(t, createOldHome(t));
});

t.test('without it, from the events alone', async (t) => {
  const home = createOldHome(t);
  rmSync(path.join(home.paths.state, 'checkpoint.json'));
  await check(t, home);
});
