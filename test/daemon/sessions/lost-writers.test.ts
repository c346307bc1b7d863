import t from 'tap';
import type { NewEvent } from '../../../src/core/events/event.js';
import { loseOpen } from '../../../src/daemon/sessions/lost-writers.js';
import { createReplay } from '../../helpers/hook-calls.js';

t.test('open executions of an ended writer are lost, except runs and sessions of hooks', (t) => {
  const { state, event } = createReplay();
  const open = (execution: string, data: object) =>
    event({ type: 'execution_started', execution, source: 'hook-42-1', n: state.seq, data: { ...data } });
  open('task', { kind: 'task' });
  open('run', { kind: 'run' });
  open('agent-run', { kind: 'run', argv: ['claude'], via: 'hooks' });
  // its first call was too long for the shared file: the file has the PID of the hook program
  open('session', { kind: 'agent', via: 'hooks' });
  const lost: NewEvent[] = [];
  loseOpen(state, 'hook-42-1', {
    runs: { runnerGone: (id) => id === 'run' },
    record: (one) => lost.push(one),
    error: 'its writer is gone',
  });
  t.strictSame(
    lost.map(({ type, execution }) => [type, execution]),
    [
      ['execution_lost', 'task'],
      ['execution_lost', 'agent-run'],
    ],
  );
  t.end();
});
