import t from 'tap';
import type { Execution } from '../../src/core/execution.js';
import { stateSourceOf, takesPrecedence, sourceOfSession } from '../../src/agents/precedence.js';

function execution(id: string, more: Partial<Execution>): Execution {
  const lastActivity = '2026-11-20T12:00:00.000Z';
  const given = { name: id, kind: 'agent', status: 'running' as const, steps: new Map(), tail: [] };
  return { id, ...given, lastActivity, firstSeq: 1, lastSeq: 1, ...more };
}

t.test('before any source has reported, every source is accepted', async (t) => {
  for (const source of ['stream', 'hooks', 'transcript'] as const)
    t.equal(takesPrecedence(source, undefined), true, source);
});

t.test('a better source replaces a worse one, which is ignored from then on', async (t) => {
  t.equal(takesPrecedence('stream', 'hooks'), true);
  t.equal(takesPrecedence('hooks', 'transcript'), true);
  t.equal(takesPrecedence('hooks', 'hooks'), true);
  t.equal(takesPrecedence('hooks', 'stream'), false);
  t.equal(takesPrecedence('transcript', 'hooks'), false);
});

t.test('the source of a session follows from its executions', async (t) => {
  const hooked = execution('s1', { agent: { session: 's1', via: 'hooks' } });
  const followed = execution('s1~2', { agent: { session: 's1', via: 'transcript' } });
  const run = execution('7hq2m4kd9x', { agent: { session: 's1' }, kind: 'run' });
  t.equal(sourceOfSession('s1', [hooked, followed]), 'hooks');
  t.equal(sourceOfSession('s1', [hooked, followed, run]), 'stream');
  t.equal(sourceOfSession('s1', [execution('s1', {})]), undefined, 'an id alone is no session');
  t.equal(sourceOfSession('s2', [hooked]), undefined);
  t.equal(stateSourceOf(followed), 'transcript');
});
