import t from 'tap';
import { installAgent } from './install.js';
import { trySessions } from './sessions.js';

/** It reports a command that fails as a tool that has succeeded. */
const STEPS = [
  ['Bash: echo hello; sleep 3', 'completed'],
  ['Write: notes.md +2', 'completed'],
  ['Bash: echo no >&2; exit 3', 'completed'],
] as const;

t.test('sessions of Gemini CLI', async (t) => {
  await trySessions(t, 'gemini', installAgent(t, 'gemini'), {
    steps: { stream: STEPS, hooks: STEPS, transcript: STEPS },
    isTalkTold: { stream: true, hooks: true, transcript: true },
    refusals: [
      { status: 400, kind: 'INVALID_ARGUMENT' },
      { status: 503, kind: 'UNAVAILABLE' },
    ],
    // its hooks report the end of the session, but not a turn that fails or is stopped
    refused: { stream: 'failed', hooks: 'lost', transcript: 'failed' },
    // in its file a turn looks finished while a tool runs
    interrupted: { stream: 'cancelled', hooks: 'lost', transcript: 'completed' },
  });
});
