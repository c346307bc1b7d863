import t from 'tap';
import type { Match } from '../../src/alerts/rule-evaluator.js';
import { RuleEvaluator } from '../../src/alerts/rule-evaluator.js';
import { createRules } from '../../src/alerts/rules.js';
import type { RuleConfig } from '../../src/config/alert-schema.js';
import type { Conditions } from '../../src/api/conditions.js';
import type { EventData } from '../../src/core/events/event.js';
import { fold } from '../../src/core/fold.js';
import { emptyState, findExecution } from '../../src/core/state/state.js';
import type { Draft } from '../helpers/events.js';

const START = Date.parse('2026-01-02T03:04:05.000Z');

/** A rule evaluator with a state and a manual clock. */
function createCourt(...rules: (Partial<RuleConfig> & { when: Conditions })[]) {
  const state = emptyState();
  const compiled = createRules(
    rules.map((rule, index) => ({ name: `rule-${index}`, notify: ['desktop'], throttle: 0, repeat: 'each', ...rule })),
  );
  const why = new Map<string, string[]>();
  const judge = new RuleEvaluator(
    compiled,
    () => state.alerts,
    ({ name }, _event, reasons) => why.set(name, reasons()),
  );
  const world = { at: 0, now: START };
  return {
    ...{ state, judge, world, why },
    /** Rules that the last event fires. */
    say(...drafts: Draft[]): Match[] {
      let matches: Match[] = [];
      for (const draft of drafts) {
        const event = {
          data: {},
          execution: 'x',
          seq: state.seq + 1,
          time: new Date(world.now).toISOString(),
          ...draft,
        };
        const execution = fold(state, event) ?? findExecution(state, event.execution);
        matches = judge.take(event, execution, { ...world });
      }
      return matches;
    },
    /** Rules that the timer fires within a period. */
    pass(ms: number): Match[] {
      world.at += ms;
      world.now += ms;
      return judge.due({ ...world }, (id) => state.alive.get(id));
    },
  };
}

const start = (data: EventData = {}): Draft => ({
  type: 'execution_started',
  data: { name: 'nightly', kind: 'run', ...data },
});
const fail = (data: EventData = {}): Draft => ({ type: 'execution_failed', data });

t.test('each condition is evaluated for its subject, and gives the reason of a mismatch', async (t) => {
  const cases: [Conditions, Draft[], string?][] = [
    [{ status: ['failed'] }, [start(), fail()]],
    [{ kind: ['agent'] }, [start(), fail()], 'its kind is run, not agent'],
    [{ kind: ['agent', 'run'] }, [start(), fail()]],
    [{ agent: ['claude*'] }, [start({ agent: 'claude-code' }), fail()]],
    [{ agent: ['claude'] }, [start(), fail()], 'it has no agent, not claude'],
    [{ name: ['night*', 'x'] }, [start(), fail()]],
    [{ name: ['night'] }, [start(), fail()], 'its name is nightly, not night'],
    [{ label: { team: 'infra', branch: 'rel/*' } }, [start({ labels: { team: 'infra', branch: 'rel/1' } }), fail()]],
    [{ label: { team: 'infra' } }, [start({ labels: { team: 'web' } }), fail()], 'its label team is web, not infra'],
    [{ label: { toString: '*' } }, [start({ labels: { team: 'web' } }), fail()], 'it has no label toString, not *'],
    [{ queue: ['b*'] }, [start({ queue: 'builds' }), fail()]],
    [{ exitStatus: [2, 3] }, [start(), fail({ exitCode: 3 })]],
    [{ exitStatus: [2] }, [start(), fail({ exitCode: 1 })], 'its exit status is 1, not 2'],
    [{ longerThan: 1_000, status: ['failed'] }, [start(), fail({ durationMs: 1_001 })]],
    [
      { longerThan: 1_000, status: ['failed'] },
      [start(), fail({ durationMs: 1_000 })],
      'it took 1.0s, not longer than 1.0s',
    ],
    [{ attention: ['waiting'] }, [start(), { type: 'attention', data: { state: 'waiting', reason: 'May I?' } }]],
    [
      { attention: ['silent'] },
      [start(), { type: 'attention', data: { state: 'waiting' } }],
      'its attention is waiting, not silent',
    ],
    [{ step: ['dep*'] }, [start(), { type: 'step_failed', step: 's', data: { name: 'deploy' } }]],
    [
      { step: ['dep*'] },
      [start(), { type: 'step_failed', step: 's', data: { name: 'test' } }],
      'its step is test, not dep*',
    ],
    [{ step: ['*'] }, [start(), { type: 'step_timeout', step: 's' }]],
    [{ output: 'error: .*' }, [start(), { type: 'output', data: { text: 'one\nan \u001b[31merror: \u001b[0mx\n' } }]],
    [{ output: '^disk' }, [start(), { type: 'log', data: { message: 'disk full' } }]],
    [{ output: '^full' }, [start(), { type: 'log', data: { message: 'disk full' } }], 'no line of it matches ^full'],
    [{ output: 'x' }, [start(), { type: 'output', data: { text: 'x', stream: 'debug' } }], 'it prints nothing'],
    [{ type: ['deployed'] }, [start(), { type: 'deployed' }]],
    [{ type: ['execution_started'], name: ['night*'] }, [start()]],
    [{ type: ['queue_changed'] }, [{ type: 'queue_changed', execution: '', data: { name: 'q', slots: 2 } }]],
    [{ type: ['deployed'], longerThan: 1 }, [start(), { type: 'deployed' }], 'it took 0.0s, not longer than 0.0s'],
    [{ resource: { memory: 100, for: 0 } }, [start(), { type: 'resource_update', data: { rss: 101 } }]],
    [
      { resource: { cpu: 90, memory: 100, for: 0 } },
      [start(), { type: 'resource_update', data: { rss: 101, cpu: 90 } }],
      'its share of the processor is 90, not above 90',
    ],
  ];
  for (const [when, drafts, why] of cases) {
    const court = createCourt({ when });
    const fired = court.say(...drafts).length === 1;
    t.equal(fired, why === undefined, JSON.stringify(when));
    if (why !== undefined) t.strictSame(court.why.get('rule-0'), [why]);
  }
});

t.test('a rule never fires for alerts, which could be its own', async (t) => {
  const court = createCourt({ when: { type: ['alert_triggered'] } });
  t.strictSame(court.say(start(), { type: 'alert_triggered', data: { rule: 'x', outcome: 'sent' } }), []);
});

t.test('a repeated end and events from a backlog fire nothing', async (t) => {
  const court = createCourt({ when: { status: ['failed', 'lost'] } });
  t.equal(court.say(start(), fail()).length, 1);
  t.strictSame(court.say(fail()), []);
  const other = createCourt({ when: { status: ['failed'] } });
  other.world.now += 301_000;
  t.strictSame(other.say({ ...fail(), time: new Date(START).toISOString() }), []);
  t.strictSame(other.why.get('rule-0'), ['it is too old, from a backlog']);
});

t.test('a question fires once, until another one is asked', async (t) => {
  const court = createCourt({ when: { attention: ['waiting'] } });
  const asks = (reason: string): Draft => ({ type: 'attention', data: { state: 'waiting', reason } });
  t.equal(court.say(start(), asks('a')).length, 1);
  t.equal(court.say(asks('a')).length, 0);
  t.strictSame(court.why.get('rule-0'), ['it repeats the last question']);
  t.equal(court.say(asks('b')).length, 1);
  t.equal(court.say({ type: 'attention', data: { state: 'none' } }, asks('b')).length, 1, 'asked anew');
});

t.test('a threshold that is exceeded for long enough fires once, until it is no longer exceeded', async (t) => {
  const court = createCourt({ when: { resource: { cpu: 90, for: 60_000 } } });
  const uses = (cpu: number): Draft => ({ type: 'resource_update', data: { cpu, rss: 1 } });
  t.equal(court.say(start(), uses(95)).length, 0);
  t.strictSame(court.why.get('rule-0'), ['only for 0.0s so far']);
  court.pass(40_000);
  t.equal(court.say(uses(50)).length, 0, 'it falls below');
  court.pass(40_000);
  t.equal(court.say(uses(95)).length, 0, 'and begins anew');
  t.equal(court.pass(59_999).length, 0);
  const [match] = court.pass(1);
  t.match(
    match,
    { cause: 4, once: true, text: { title: '● nightly uses 95 % of a core, 1 B' } },
    'without another figure',
  );
  t.equal(court.say(uses(99)).length, 0);
  court.pass(600_000);
  t.equal(court.say(uses(99)).length, 0, 'it is known');
  t.equal(court.say(uses(1), uses(99)).length, 0);
  t.equal(court.pass(60_000).length, 1, 'it happened again');
});

t.test('a long duration fires once while it runs, whatever happens to the clock', async (t) => {
  const court = createCourt({ when: { longerThan: 60_000, name: ['night*'] } });
  court.say(start(), { ...start({ name: 'other' }), execution: 'y' });
  court.world.now += 86_400_000;
  t.equal(court.pass(59_999).length, 0, 'the clock is set ahead');
  court.world.now -= 2 * 86_400_000;
  t.equal(court.judge.nextAt, 60_000);
  t.match(court.pass(1), [{ execution: { id: 'x' }, once: true, text: { title: '● nightly still runs after 1:00' } }]);
  t.equal(court.pass(600_000).length, 0);
  t.equal(court.judge.nextAt, undefined);
  t.equal(court.say({ ...start(), execution: 'z' }, { ...fail(), execution: 'z' }).length, 0);
  t.equal(court.pass(600_000).length, 0, 'what has ended takes no longer');
});

t.test('the duration of a queued execution counts from its start', async (t) => {
  const court = createCourt({ when: { longerThan: 60_000 } });
  court.say({ type: 'execution_queued', data: { name: 'nightly', queue: 'q' } });
  t.equal(court.pass(600_000).length, 0);
  court.say(start());
  t.equal(court.pass(60_000).length, 1);
});

t.test('throttles a rule for the configured time, for each name, whatever happens to the clock', async (t) => {
  const court = createCourt({ when: { status: ['failed'] }, throttle: 600_000 });
  const run = (execution: string, name = 'nightly') =>
    court.say({ ...start({ name }), execution }, { ...fail(), execution }).length;
  t.equal(run('a'), 1);
  t.equal(run('b'), 0);
  t.strictSame(court.why.get('rule-0'), ['it is throttled for another 10:00 (throttle)']);
  t.equal(run('c', 'other'), 1);
  court.world.now += 86_400_000;
  t.equal(run('d'), 0, 'the clock is set ahead');
  court.world.now -= 2 * 86_400_000;
  court.pass(599_999);
  t.equal(run('e'), 0);
  court.pass(1);
  t.equal(run('f'), 1);
});

t.test('a throttled rule stays throttled across a start, at most for one period', async (t) => {
  const court = createCourt({ name: 'r', when: { status: ['failed'] }, throttle: 600_000 });
  const pending = { rule: 'r', channel: 'desktop', outcome: 'pending', id: 'i' };
  court.say(start(), { type: 'alert_triggered', data: pending });
  court.world.now += 300_000;
  t.equal(court.say(fail()).length, 0);
  court.world.now -= 86_400_000;
  t.equal(court.say({ ...start(), execution: 'y' }, { ...fail(), execution: 'y' }).length, 0, 'the clock was set back');
  t.strictSame(court.why.get('r'), ['it is throttled for another 10:00 (throttle)']);
});

t.test('throttles repeated output to once in ten seconds', async (t) => {
  const court = createCourt({ when: { output: 'error' } }, { when: { output: 'panic' } });
  const print = (text: string): Draft => ({ type: 'output', data: { text } });
  t.equal(court.say(start(), print('error')).length, 1);
  t.equal(court.say(print('error')).length, 0);
  t.equal(court.say(print('error and panic')).length, 1, 'each rule for itself');
  court.pass(10_000);
  t.equal(court.say(print('error and panic')).length, 2);
});

t.test('patterns crafted to backtrack take linear time', async (t) => {
  const sources = ['(a+)+$', '(a|aa)+$', '(.*a){12}x', '(a*)*(a*)*(a*)*b'];
  const court = createCourt(...sources.map((output) => ({ when: { output } })));
  const before = performance.now();
  court.say(start(), { type: 'output', data: { text: `${'a'.repeat(100_000)}!` } });
  t.ok(performance.now() - before < 10_000, `${performance.now() - before} ms`);
});

t.test('rules that no event can match cost nothing', async (t) => {
  const court = createCourt({ when: { status: ['failed'] } }, { when: { step: ['*'] } });
  t.notOk(court.judge.needs('output'));
  t.ok(court.judge.needs('step_failed'));
  t.notOk(court.judge.needsResources(court.state.alive.get('x') ?? ({} as never)));
});

t.test('inspects processes only for rules that need them', async (t) => {
  const court = createCourt({ when: { resource: { cpu: 1, for: 1 }, name: ['night*'] } });
  court.say(start(), { ...start({ name: 'other' }), execution: 'y' });
  const isAsked = (id: string) => court.judge.needsResources(findExecution(court.state, id)!);
  t.ok(isAsked('x'));
  t.notOk(isAsked('y'));
});

t.test('a failed step fires once per attempt, however many events report it', async (t) => {
  const when = { step: ['*'] };
  const failed = (data: EventData = {}): Draft => ({ type: 'step_failed', step: 's', data });
  const again: Draft = { type: 'step_started', step: 's' };
  for (const between of [0, 1_000]) {
    const court = createCourt({ when }, { when: { type: ['step_failed'] } }, { when: { step: ['The *'] } });
    const names = (...drafts: Draft[]) => {
      court.pass(between);
      return court.say(...drafts).map(({ rule }) => rule.name);
    };
    const label = `${between} ms between two events`;
    t.strictSame(names(start(), again, failed({ error: 'no disk' })), ['rule-0', 'rule-1'], label);
    t.strictSame(names(failed({ name: 'The story' })), ['rule-2'], 'its name comes with the second event');
    t.strictSame(court.why.get('rule-0'), ['the step had failed before in this attempt']);
    t.strictSame(names({ type: 'step_timeout', step: 's' }), []);
    t.strictSame(names({ ...failed(), step: 'other' }), ['rule-0', 'rule-1'], 'another step');
    t.strictSame(names({ ...failed(), execution: 'y' }), ['rule-0', 'rule-1'], 'of another execution');
    t.strictSame(names(again, failed()), ['rule-0', 'rule-1', 'rule-2'], 'another attempt');
    t.strictSame(names(fail(), failed()), [], 'nor after the end of its execution');
  }
});

t.test('a step that its execution has closed may still fail', async (t) => {
  const court = createCourt({ when: { step: ['*'] } });
  court.say(start(), { type: 'step_started', step: 's' });
  court.pass(1_000);
  t.strictSame(court.say({ type: 'execution_timeout' }), []);
  court.pass(1_000);
  t.equal(court.say({ type: 'step_failed', step: 's' }).length, 1);
  t.equal(court.say({ type: 'step_failed', step: 's' }).length, 0);
});
