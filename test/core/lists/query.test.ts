import t from 'tap';
import { matchesQuery, parseQuery } from '../../../src/core/lists/query.js';
import { makeExecution } from '../../helpers/models.js';

const found = (text: string, given: Parameters<typeof makeExecution>[0]) =>
  matchesQuery(makeExecution(given), parseQuery(text));

t.test('all terms must hold; commas separate alternatives, a minus negates', (t) => {
  const given = {
    name: 'nightly build',
    status: 'failed' as const,
    agent: { name: 'claude' },
    labels: { team: 'web' },
  };
  for (const text of ['', 'night', 'status:failed', 'status:fail', 'status:failed,running', 'agent:claude night'])
    t.ok(found(text, given), text);
  for (const text of ['label:team', 'label:team=web', '-status:running', '"nightly build"', 'STATUS:Failed', 'status:'])
    t.ok(found(text, given), text);
  for (const text of ['status:running', 'agent:codex night', '-night', 'label:team=ops', 'kind:run', 'name:deploy'])
    t.notOk(found(text, given), text);
  t.end();
});

t.test('statuses have groups, and attention counts as one', (t) => {
  t.ok(found('status:active', {}));
  t.notOk(found('status:finished', {}));
  t.ok(found('status:waiting', { attention: { state: 'waiting' } }));
  t.ok(found('status:bad', { status: 'lost' }));
  t.end();
});

t.test('what is no known key is a text', (t) => {
  t.ok(found('http://x', { name: 'get http://x' }));
  t.notOk(found('colour:red', {}));
  t.ok(found('-', { name: 'a - b' }));
  t.end();
});
