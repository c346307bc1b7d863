import t from 'tap';
import { estimate } from '../../../src/core/estimates/estimate.js';
import { executionFromJson } from '../../../src/core/execution.js';
import { emptyState } from '../../../src/core/state/state.js';
import { toReplies, toReply } from '../../../src/daemon/requests/execution-reply.js';
import { toExecutions } from '../../helpers/builds.js';
import { makeExecution, START, timeAt } from '../../helpers/models.js';

t.test('replies have the estimate in whole milliseconds, which a client finds as well', (t) => {
  const state = emptyState();
  const builds = [7_001, 8_002, 9_003].map((durationMs) => ({ durationMs, steps: [] }));
  for (const one of toExecutions('build', builds)) state.ended.set(one.id, one);
  const from = 20 * 3_600_000;
  const running = makeExecution({ id: 'now', name: 'build', kind: 'run', startedAt: timeAt(from), firstSeq: 9 });
  const nowMs = START + from + 1_000;
  const [reply] = toReplies([running], state, nowMs);
  t.strictSame(reply?.estimate, { remainingMs: 7_002, lowMs: 6_401, highMs: 7_603, basis: 'history' });
  const { remainingMs = 0, lowMs = 0 } = estimate(executionFromJson(reply!), nowMs);
  t.strictSame([Math.round(remainingMs), Math.round(lowMs)], [7_002, 6_401]);
  const late = toReplies([running], state, nowMs + 49_000)[0]?.estimate;
  t.strictSame(late, { remainingMs: 0, lowMs: 0, highMs: 0, basis: 'history', overdueMs: 40_997 });
  const ended = toReply({ ...running, status: 'completed', durationMs: 5 }, state);
  t.strictSame([ended.estimate, ended.expectation], [undefined, undefined]);
  t.end();
});
