import t from 'tap';
import { RuleEvaluator } from '../../src/alerts/rule-evaluator.js';
import { createRules } from '../../src/alerts/rules.js';
import type { AlertText } from '../../src/alerts/alert-text.js';
import type { EventData } from '../../src/core/events/event.js';
import { fold } from '../../src/core/fold.js';
import { emptyState, findExecution } from '../../src/core/state/state.js';
import type { Draft } from '../helpers/events.js';
import { numbered } from '../helpers/events.js';

/** The alert of the last of these events with the default configuration, shortly after it. */
function alertOf(
  drafts: readonly Draft[],
  later = 1,
  interactive?: string[],
): (AlertText & { rule: string }) | undefined {
  const state = emptyState();
  const events = numbered(drafts.map((draft) => ({ execution: 'x', ...draft })));
  for (const event of events) fold(state, event);
  const last = events.at(-1)!;
  const judge = new RuleEvaluator(createRules(undefined, interactive), () => state.alerts);
  const moment = { at: 0, now: Date.parse(last.time) + later * 1_000 };
  const [match, ...more] = judge.take(last, findExecution(state, 'x'), moment);
  if (more.length > 0) throw new Error('more than one rule fires');
  return match && { rule: match.rule.name, ...match.text };
}

/** From another source than the end, so that only a given duration counts. */
const start = (data: EventData = {}): Draft => ({
  type: 'execution_started',
  source: 'a',
  data: { name: 'nightly build', ...data },
});
const end = (status: string, data: EventData = {}): Draft => ({ type: `execution_${status}`, data });

t.test('failures, timeouts and losses raise an alert, for every kind', (t) => {
  const titles = {
    failed: '✗ nightly build failed',
    timeout: '◷ nightly build timed out',
    lost: '? nightly build was lost',
  };
  for (const kind of ['run', 'agent', 'task', 'deployment']) {
    for (const [status, title] of Object.entries(titles)) {
      t.match(
        alertOf([start({ kind }), end(status)]),
        { rule: 'failed', title, urgency: 'normal' },
        `${kind} ${status}`,
      );
    }
    for (const status of ['completed', 'cancelled'])
      t.notOk(alertOf([start({ kind }), end(status)]), `${kind} ${status}`);
  }
  t.end();
});

t.test('an emitted execution counts, and one without a start does not', (t) => {
  t.match(alertOf([{ type: 'log' }, end('failed')]), { rule: 'failed', title: '✗ x failed' });
  t.notOk(alertOf([{ type: 'log' }, end('lost')]));
  t.end();
});

t.test('a command at the prompt raises an alert only beyond thirty seconds, however it ends', (t) => {
  const ended = (status: string, durationMs?: number) =>
    alertOf([start({ kind: 'command' }), end(status, { durationMs })]);
  for (const status of ['failed', 'completed', 'lost']) {
    t.notOk(ended(status, 2_000), status);
    t.notOk(ended(status, 30_000), status);
    t.match(ended(status, 30_001), { rule: 'long_command' }, status);
  }
  t.equal(ended('failed', 31_000)?.urgency, 'normal');
  t.strictSame(ended('completed', 31_000), {
    rule: 'long_command',
    title: '✓ nightly build completed',
    body: 'after 31s',
    urgency: 'low',
    severity: 'info',
  });
  t.notOk(ended('cancelled', 31_000), 'the user who cancels it knows');
  t.end();
});

t.test('an interactive program raises no alert, however it ends', (t) => {
  const ended = (name: string, status: string, interactive?: string[]) =>
    alertOf([start({ kind: 'command', name }), end(status, { durationMs: 60_000, exitStatus: 130 })], 1, interactive);
  for (const status of ['completed', 'failed', 'lost', 'timeout']) {
    for (const name of ['vim', 'ssh host', 'sudo less x']) t.notOk(ended(name, status), `${name} ${status}`);
    t.ok(ended('make', status), status);
  }
  t.ok(ended('vim', 'failed', ['make']), 'the list replaces the default');
  t.notOk(ended('make', 'failed', ['make']));
  t.notOk(ended('vim', 'failed', ['builtin', 'make']), 'or extends it');
  t.notOk(ended('make', 'failed', ['builtin', 'make']));
  t.end();
});

t.test('a question has its own text, and raises one alert', (t) => {
  const waits = (reason: string): Draft => ({ type: 'attention', data: { state: 'waiting', reason } });
  for (const kind of ['agent', 'run', 'task']) {
    t.strictSame(alertOf([start({ kind }), waits('May I run rm -rf build?')]), {
      rule: 'waiting',
      title: '! nightly build needs you',
      body: 'May I run rm -rf build?',
      urgency: 'normal',
      severity: 'warning',
    });
  }
  t.notOk(alertOf([start({ kind: 'command' }), waits('?')]), 'the user who typed it is present');
  t.notOk(alertOf([start(), { type: 'attention', data: { state: 'silent' } }]), 'silence alone is none of it');
  t.notOk(alertOf([start(), waits('a'), { type: 'attention', data: { state: 'none' } }]));
  t.end();
});

t.test('an inner execution raises no alert', (t) => {
  t.notOk(alertOf([start({ kind: 'run', parent: 'outer' }), end('failed')]));
  t.end();
});

t.test('a backlog raises no alerts', (t) => {
  t.ok(alertOf([start(), end('failed')], 300));
  t.notOk(alertOf([start(), end('failed')], 301));
  t.end();
});

t.test('an execution raises one alert, however often its end is reported', (t) => {
  t.ok(alertOf([start(), end('failed')]));
  t.notOk(alertOf([start(), end('failed'), end('failed')]));
  t.notOk(alertOf([start(), end('completed'), end('failed')]), 'the first end counts');
  t.notOk(alertOf([start(), end('failed'), { type: 'step_failed', step: 's' }]));
  const raised: Draft = { type: 'alert_triggered', data: { rule: 'failed', channel: 'desktop', outcome: 'sent' } };
  t.notOk(alertOf([start(), end('lost'), raised, end('failed')]), 'an alert was raised when it was lost');
  t.ok(alertOf([start(), end('lost'), end('failed')]));
  t.end();
});

t.test('the body holds outcome, duration, error and place', (t) => {
  const body = (...drafts: Draft[]) => alertOf(drafts)?.body;
  const failed = end('failed', { exitCode: 1, durationMs: 123_000 });
  t.equal(body(start({ cwd: '/home/u/backup/' }), failed), 'exit 1 after 2:03 · in backup');
  t.equal(body(start(), end('failed', { signal: 'SIGSEGV', error: 'core dumped' })), 'SIGSEGV · core dumped');
  t.equal(body(start(), end('failed', { durationMs: 5_000, error: 'no space' })), 'after 5.0s · no space');
  const step = (type: string, id: string, data: EventData = {}): Draft => ({ type: `step_${type}`, step: id, data });
  t.equal(
    body(
      start(),
      step('failed', 'a'),
      step('completed', 'b'),
      step('failed', 'c', { name: 'Dump', error: 'no db' }),
      failed,
    ),
    'exit 1 after 2:03 · Dump: no db',
  );
  t.equal(body(start(), step('failed', 'a'), end('failed', { error: 'why' })), 'a: why');
  t.equal(body(start(), end('failed')), 'progress show x', 'a notification without a body is not shown at all');
  t.equal(body(start({ cwd: '/' }), end('failed')), 'progress show x');
  t.end();
});

t.test('hostile text becomes one short, inert line', (t) => {
  const names = {
    'a\nb\u0000c\td\r\n e': '✗ a b c d e failed',
    '\u001b[31mred\u001b[0m \u001b]0;title\u0007x': '✗ red x failed',
    'left\u202eright\u2066\u200f': '✗ left right failed',
    '': '✗ x failed',
    '👩‍🚀 go': '✗ 👩‍🚀 go failed',
    '-w': '✗ -w failed',
  };
  for (const [name, title] of Object.entries(names)) t.equal(alertOf([start({ name }), end('failed')])?.title, title);
  const name = '𝒳'.repeat(400);
  const long = alertOf([start({ name, cwd: `/${'y'.repeat(500)}` }), end('timeout', { error: '<\n'.repeat(3_000) })]);
  t.equal(long?.title.length, 79, 'half a character is left out');
  t.match(long?.title, /^◷ 𝒳+… timed out$/u);
  t.equal(long?.body.length, 240);
  t.notMatch(long?.body, /\n/);
  t.end();
});
