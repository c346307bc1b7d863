import t from 'tap';
import type { ExecutionEvent } from '../../../src/core/events/event.js';
import type { Execution } from '../../../src/core/execution.js';
import { noticeOf } from '../../../src/terminal/tui/notice.js';
import { makeExecution, START, timeAt } from '../../helpers/models.js';

const NOW = START + 60_000;

function notice(executions: Execution[], events: Partial<ExecutionEvent>[], shown?: string) {
  const whole = events.map((event) => ({ seq: 1, time: timeAt(60_000), data: {}, ...event }) as ExecutionEvent);
  return noticeOf(whole, { find: (id) => executions.find((one) => one.id === id), shown, now: NOW });
}

const ended = (fields: Parameters<typeof makeExecution>[0]) =>
  makeExecution({
    name: 'build',
    kind: 'run',
    status: 'completed',
    startedAt: timeAt(0),
    endedAt: timeAt(60_000),
    ...fields,
  });
const end: Partial<ExecutionEvent> = { type: 'execution_completed', execution: 'bld' };

t.test('reports what ends or needs a person', (t) => {
  t.match(notice([ended({ id: 'bld' })], [end]), { text: /^build completed after 1:00$/, isError: false, rings: true });
  const failed = ended({ id: 'bld', status: 'failed', outcome: { exitCode: 2 } });
  t.match(notice([failed], [{ type: 'execution_failed', execution: 'bld' }]), {
    text: /failed after 1:00, exit 2$/,
    isError: true,
  });
  const waiting = { type: 'attention', execution: 'bld', data: { state: 'waiting', reason: 'allow rm?' } };
  t.match(notice([makeExecution({ id: 'bld', name: 'agent' })], [waiting]), { text: 'agent needs you: allow rm?' });
  t.match(
    notice(
      [ended({ id: 'a' }), failed],
      [
        { ...end, execution: 'a' },
        { type: 'execution_failed', execution: 'bld' },
      ],
    ),
    { text: /failed.* \(and 1 more\)$/ },
    'a failure comes first',
  );
  t.end();
});

t.test('what is no news is not reported', (t) => {
  t.equal(notice([ended({ id: 'bld' })], [end], 'bld'), undefined, 'the user looks at it');
  t.equal(notice([ended({ id: 'bld', parent: 'p' })], [end]), undefined, 'a part of another one');
  t.equal(notice([ended({ id: 'bld' })], [{ ...end, time: timeAt(0) }]), undefined, 'from a backlog');
  const short = ended({ id: 'bld', kind: 'command', startedAt: timeAt(58_000) });
  t.equal(notice([short], [end]), undefined, 'a short command of a shell');
  t.ok(notice([ended({ id: 'bld', kind: 'command' })], [end]), 'a long one is news');
  t.equal(notice([], [end]), undefined);
  t.equal(
    notice([ended({ id: 'bld' })], [{ type: 'attention', execution: 'bld', data: { state: 'none' } }]),
    undefined,
  );
  t.end();
});
