/** The run of a shell is found by its processes; its environment may be that of a terminal multiplexer. */
import { spawn } from 'node:child_process';
import t from 'tap';
import type { NewEvent } from '../../../src/core/events/event.js';
import { fold } from '../../../src/core/fold.js';
import { emptyState } from '../../../src/core/state/state.js';
import { dropForeignParent } from '../../../src/daemon/intake/shell-parent.js';

const RUN = 'run1';

t.test('a typed command belongs to a run when its shell descends from the process of the run', (t) => {
  const elsewhere = spawn('sleep', ['600'], { stdio: 'ignore' });
  t.teardown(() => elsewhere.kill('SIGKILL'));
  const stateOf = (pid: number | undefined, end = false) => {
    const state = emptyState();
    const time = new Date().toISOString();
    fold(state, { seq: 1, time, type: 'execution_started', execution: RUN, data: { name: 'r', kind: 'run', pid } });
    if (end) fold(state, { seq: 2, time, type: 'execution_completed', execution: RUN, data: {} });
    return state;
  };
  const parentOf = (state: ReturnType<typeof emptyState>, pid: unknown, kind = 'command') => {
    const event: NewEvent = { type: 'execution_started', execution: 'c', data: { kind, parent: RUN, pid } };
    dropForeignParent(event, state);
    return event.data['parent'];
  };
  t.equal(parentOf(stateOf(process.pid), process.pid), RUN, 'the command of the run is the shell');
  t.equal(parentOf(stateOf(process.pid), elsewhere.pid), RUN, 'the shell was started by it');
  t.equal(parentOf(stateOf(elsewhere.pid), process.pid), undefined, 'it was not');
  t.equal(parentOf(stateOf(elsewhere.pid), process.pid, 'task'), RUN, 'a script may have been left in the background');
  t.equal(parentOf(stateOf(elsewhere.pid), 2 ** 31 - 1), RUN, 'a shell that has ended cannot be checked');
  t.equal(parentOf(stateOf(undefined), process.pid), RUN, 'nor of a run without a process');
  t.equal(parentOf(stateOf(elsewhere.pid, true), process.pid), RUN, 'one that has ended is judged elsewhere');
  t.end();
});
