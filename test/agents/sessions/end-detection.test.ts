import t from 'tap';
import type { Facts } from '../../../src/agents/sessions/end-detection.js';
import { isResting, detectEnd } from '../../../src/agents/sessions/end-detection.js';

const BASE: Facts = { claim: undefined, isOver: false, idleMs: 0, process: 'none' };
const DONE = { status: 'completed' as const, summary: 'all done' };

t.test('decides that a session has ended, and on what evidence', (t) => {
  const verdict = (facts: Partial<Facts>) => {
    const found = detectEnd({ ...BASE, ...facts }, 60_000);
    return found && [found.status, found.data['endedBy']];
  };
  t.equal(verdict({}), undefined);
  t.equal(verdict({ isOver: true, claim: DONE, idleMs: 4_999 }), undefined, 'more may come');
  t.strictSame(verdict({ isOver: true, claim: DONE, idleMs: 5_000 }), ['completed', 'record']);
  t.strictSame(verdict({ isOver: true, idleMs: 5_000, process: 'alive' }), ['completed', 'record']);
  t.equal(verdict({ process: 'gone', idleMs: 1_999 }), undefined);
  t.strictSame(verdict({ process: 'gone', idleMs: 2_000 }), ['lost', 'process']);
  t.strictSame(verdict({ process: 'gone', idleMs: 2_000, claim: DONE }), ['completed', 'process']);
  t.equal(verdict({ process: 'alive', idleMs: 1e9, claim: DONE }), undefined, 'a person may think for long');
  t.equal(verdict({ idleMs: 59_999 }), undefined);
  t.strictSame(verdict({ idleMs: 60_000 }), ['lost', 'silence']);
  t.strictSame(verdict({ idleMs: 60_000, claim: { status: 'failed', error: 'no' } }), ['failed', 'silence']);
  t.match(detectEnd({ ...BASE, claim: DONE, idleMs: 60_000 }, 60_000)?.data, { summary: 'all done' });
  t.end();
});

t.test('a session between two turns is idle', (t) => {
  t.ok(isResting({ ...BASE, claim: DONE, idleMs: 2_000 }));
  t.notOk(isResting({ ...BASE, claim: DONE, idleMs: 1_000 }));
  t.notOk(isResting({ ...BASE, idleMs: 2_000 }));
  t.notOk(isResting({ ...BASE, claim: DONE, isOver: true, idleMs: 2_000 }));
  t.end();
});
