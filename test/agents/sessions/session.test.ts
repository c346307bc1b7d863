import t from 'tap';
import type { NewEvent } from '../../../src/core/events/event.js';
import { ProgressError } from '../../../src/core/base/errors.js';
import type { SessionPart } from '../../../src/agents/sessions/session.js';
import { Session } from '../../../src/agents/sessions/session.js';
import type { LineReceipt } from '../../../src/tailing/tail.js';
import { createReplay } from '../../helpers/hook-calls.js';

t.test('an interruption is recorded once, and not after the next prompt was submitted', (t) => {
  const { state, event, close } = createReplay();
  t.teardown(close);
  const data = { kind: 'agent', agent: 'claude', session: 's', via: 'hooks' };
  event({ type: 'execution_started', execution: 's', data });
  const late: { make: () => NewEvent[]; receipt: LineReceipt }[] = [];
  const session = new Session({
    ...{ agent: 'claude', state, inactivityMs: 1_000, now: Date.now, log: () => undefined },
    submit: () => undefined,
    submitDeferred: (make, receipt) => late.push({ make, receipt }),
  });
  const time = '2099-01-01T00:00:00.000Z';
  const file: SessionPart['file'] = {
    ...{ idleSince: 0, about: { session: 's' }, isOver: false },
    ...{ claim: { status: 'cancelled' }, claimedAt: time, lastTime: time },
    close: () => [],
  };
  session.add({ source: 'x', file });
  const look = () => {
    session.check('none');
    session.check('none');
    return late.splice(0);
  };
  const [first, ...more] = look();
  t.strictSame(more, []);
  t.match(first?.make(), [{ type: 'attention', time, data: { state: 'waiting' } }]);
  first?.receipt.refused(new ProgressError('disk_full', 'full'));
  const [second] = look();
  event({
    type: 'activity',
    execution: 's',
    time: '2099-01-01T00:00:01.000Z',
    data: { kind: 'prompt', text: 'again' },
  });
  t.strictSame(second?.make(), []);
  second?.receipt.duplicate();
  t.strictSame(look(), []);
  t.end();
});
