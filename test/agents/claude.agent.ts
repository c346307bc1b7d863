import { spawnSync } from 'node:child_process';
import path from 'node:path';
import t from 'tap';
import { ROOT } from '../helpers/daemon.js';
import { installAgent } from './install.js';
import type { Differences } from './sessions.js';
import { trySessions } from './sessions.js';

const STEPS = [
  ['Bash: echo hello; sleep 3', 'completed'],
  ['Write: notes.md +2', 'completed'],
  ['Bash: echo no >&2; exit 3', 'failed'],
] as const;

const EXPECTED: Differences = {
  steps: { stream: STEPS, hooks: STEPS, transcript: STEPS },
  isTalkTold: { stream: true, hooks: true, transcript: true },
  refusals: [
    { status: 400, kind: 'invalid_request_error' },
    { status: 529, kind: 'overloaded_error' },
  ],
  refused: { stream: 'failed', hooks: 'failed', transcript: 'failed' },
  interrupted: { stream: 'cancelled', hooks: 'cancelled', transcript: 'cancelled' },
};

t.test('sessions of Claude Code', async (t) => {
  const program = installAgent(t, 'claude');

  t.test('Claude Code accepts our plugin', async (t) => {
    for (const directory of ['claude-plugin', '.']) {
      const args = ['plugin', 'validate', path.join(ROOT, 'hooks', directory)];
      const env = { ...process.env, HOME: t.testdir({}) };
      const { status, stdout, stderr } = spawnSync(program, args, { env, encoding: 'utf8' });
      t.equal(status, 0, stdout + stderr);
      t.match(stdout, /Validation passed$/m);
    }
  });

  await trySessions(t, 'claude', program, EXPECTED);
});

t.test('sessions of an older Claude Code', async (t) => {
  await trySessions(t, 'claude', installAgent(t, 'claude', '2.1.197'), {
    // it calls no hook for an interruption; the file that its hooks name has it
    ...EXPECTED,
  });
});
