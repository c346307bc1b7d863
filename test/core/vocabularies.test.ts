import type { Test } from 'tap';
import t from 'tap';
import type { Execution } from '../../src/core/execution.js';
import { executionToJson } from '../../src/core/execution.js';
import type { Sent, Way } from '../helpers/vocabularies.js';
import { Intake, sentOf, WAYS } from '../helpers/vocabularies.js';

/** The only execution of these events, whatever way they come. */
function only(t: Test, events: readonly Sent[], way: Way): Execution {
  const intake = new Intake();
  intake.sendAll(events, way);
  const found = [...intake.state.alive.values(), ...intake.state.ended.values()];
  t.equal(found.length, 1, `${way}: one execution`);
  const [first] = found;
  if (!first) throw new Error('no execution');
  return first;
}

const stepsOf = (execution: Execution) => executionToJson(execution).steps;

for (const way of WAYS) {
  t.test(`stories, by ${way}`, async (t) => {
    const task = only(t, sentOf('stories'), way);
    t.match(task, {
      id: 'REL-7',
      name: 'Release 2.4',
      status: 'running',
      kind: 'task',
      total: 3,
      estimatedMs: 600_000,
    });
    t.match(
      stepsOf(task).filter(({ kind }) => kind === 'story'),
      [
        { id: 'US-1', name: 'Tag the release', status: 'completed', durationMs: 2_400, commits: ['c0ffee1'] },
        { id: 'US-2', name: 'Publish the packages', status: 'running' },
      ],
    );
  });

  t.test(`stories to their end, by ${way}`, async (t) => {
    const task = only(t, sentOf('stories', 'stories-rest'), way);
    t.match(task, { id: 'REL-7', status: 'failed', error: '1 story failed' });
    t.match(
      stepsOf(task).filter(({ kind }) => kind === 'story'),
      [
        { id: 'US-1', status: 'completed' },
        { id: 'US-2', status: 'failed', durationMs: 20_000 },
        { id: 'US-3', status: 'completed', durationMs: 1_000 },
      ],
    );
  });

  t.test(`wrapped, by ${way}`, async (t) => {
    const sent = sentOf('wrapped');
    const intake = new Intake();
    const routes = [...intake.sendAll(sent, way), ...intake.sendAll(sent, way, 'b')];
    t.strictSame(routes, ['REL-8', 'REL-8', 'taken', 'taken'], 'a resend is known by its ID');
    t.match(intake.events, [
      { type: 'execution_started', time: '2026-09-21T14:13:20.250Z', id: /^6f1c/, data: { name: 'Wrapped form' } },
      { type: 'step_started', time: '2026-09-21T14:13:21.500Z', step: 'US-9' },
    ]);
  });

  t.test(`executions, by ${way}`, async (t) => {
    const run = only(t, sentOf('executions'), way);
    t.match(run, { id: 'exec-42', name: 'nightly-report', status: 'completed', durationMs: 18_500, total: 3 });
    t.match(stepsOf(run), [
      { id: 's1', name: 'Fetch', status: 'completed', durationMs: 12_000, index: 0 },
      { id: 's2', name: 'Render', status: 'completed', attempts: 2, durationMs: 3_000 },
      { id: 's3', name: 'Mail', status: 'skipped' },
    ]);
  });

  t.test(`invocations, by ${way}`, async (t) => {
    const sent = sentOf('invocations');
    const task = only(t, sent, way);
    t.match(task, { id: 'T-1', name: 'Verify e-mail sign-in', status: 'failed' });
    const coder = { role: 'coder', provider: 'codex', model: 'gpt-5', status: 'completed', durationMs: 210_000 };
    t.match(stepsOf(task), [
      { id: 'inv-1', ...coder },
      { id: 'inv-2', role: 'reviewer', status: 'failed', durationMs: 30_000, error: 'rejected: no test' },
    ]);
    const review = sent.findIndex(({ type }) => type === 'task.review');
    t.match(only(t, sent.slice(0, review + 1), way), { attention: 'waiting', attentionReason: 'review' });
    t.notOk(only(t, sent.slice(0, review + 2), way).attention, 'an invocation goes on with it');
  });
}
