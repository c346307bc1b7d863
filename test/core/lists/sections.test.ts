import t from 'tap';
import { sectionOf, sortBySection } from '../../../src/core/lists/sections.js';
import { makeExecution, START, timeAt } from '../../helpers/models.js';

t.test('what needs a person comes first, then recent failures, what runs, waits, and has ended', (t) => {
  const now = START + 100_000;
  const list = [
    makeExecution({ id: 'old', status: 'completed', endedAt: timeAt(0) }),
    makeExecution({ id: 'queued', status: 'queued' }),
    makeExecution({ id: 'quiet', lastActivity: timeAt(0), firstSeq: 1 }),
    makeExecution({ id: 'busy', lastActivity: timeAt(99_000), firstSeq: 2 }),
    makeExecution({ id: 'busier', lastActivity: timeAt(99_900), firstSeq: 1 }),
    makeExecution({ id: 'failed', status: 'failed', endedAt: timeAt(90_000) }),
    makeExecution({ id: 'failed before', status: 'failed', endedAt: timeAt(10_000) }),
    makeExecution({ id: 'asks', attention: { state: 'waiting' } }),
  ];
  t.strictSame(
    sortBySection(list, now).map(({ id }) => id),
    ['asks', 'failed', 'busy', 'busier', 'quiet', 'queued', 'failed before', 'old'],
  );
  t.equal(sectionOf(list[5]!, now + 60_000), 'finished', 'a failure is recent for a minute');
  t.end();
});
