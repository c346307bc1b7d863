import t from 'tap';
import { installAgent } from './install.js';
import { trySessions } from './sessions.js';

const SHELL = ['Bash: echo hello; sleep 3', 'completed'] as const;
const FAILED = ['Bash: echo no >&2; exit 3', 'failed'] as const;

t.test('sessions of Codex', async (t) => {
  await trySessions(t, 'codex', installAgent(t, 'codex'), {
    steps: {
      stream: [SHELL, ['Edit: new notes.md', 'completed'], FAILED],
      // its hooks do not report exit statuses
      hooks: [SHELL, ['Edit: new notes.md +2 -0', 'completed'], [FAILED[0], 'completed']],
      transcript: [SHELL, ['Edit: new notes.md +2 -0', 'completed'], FAILED],
    },
    isTalkTold: { stream: true, hooks: false, transcript: true },
    refusals: [
      { status: 400, kind: 'invalid_request_error' },
      { status: 503, kind: 'server_is_overloaded', said: 'at capacity' },
    ],
    refused: { stream: 'failed', hooks: 'failed', transcript: 'failed' },
    interrupted: { stream: 'cancelled', hooks: 'cancelled', transcript: 'cancelled' },
  });
});
