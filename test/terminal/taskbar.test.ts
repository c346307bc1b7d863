import t from 'tap';
import type { Execution } from '../../src/core/execution.js';
import { hasHyperlinks, hasTaskbar } from '../../src/terminal/osc-support.js';
import { Taskbar } from '../../src/terminal/taskbar.js';
import { makeExecution, START } from '../helpers/models.js';

const LIVE = { state: 'live' } as const;
const half = makeExecution({ progress: { current: 1, total: 2 } });

function first(executions: Execution[], connection: Parameters<Taskbar['update']>[0]['connection'] = LIVE) {
  return new Taskbar().update({ executions, connection }, 0);
}

t.test('the state is that of what a person must see first', (t) => {
  t.equal(first([]), '');
  t.equal(first([half]), '\u001b]9;4;1;50\u001b\\');
  t.equal(first([makeExecution()]), '\u001b]9;4;3;\u001b\\', 'nothing is counted');
  t.equal(first([half, makeExecution()]), '\u001b]9;4;3;\u001b\\');
  t.equal(first([half, makeExecution({ progress: { current: 1, total: 1 } })]), '\u001b]9;4;1;75\u001b\\');
  t.equal(first([{ ...half, status: 'paused' }]), '\u001b]9;4;4;50\u001b\\');
  t.equal(first([{ ...half, attention: { state: 'waiting' } }]), '\u001b]9;4;4;50\u001b\\');
  t.equal(first([half], { state: 'lost', since: START }), '\u001b]9;4;4;50\u001b\\');
  t.equal(first([half, makeExecution({ status: 'failed' })]), '\u001b]9;4;2;50\u001b\\');
  t.equal(first([makeExecution({ status: 'completed' })]), '');
  t.equal(first([makeExecution({ status: 'queued' })]), '');
  t.end();
});

t.test('it is written when it changes, again after ten seconds, and is removed once', (t) => {
  const taskbar = new Taskbar();
  const view = { executions: [half], connection: LIVE };
  t.not(taskbar.update(view, 0), '');
  t.equal(taskbar.update(view, 9_999), '');
  t.not(taskbar.update(view, 10_000), '');
  t.equal(taskbar.update(view, 10_001), '');
  t.equal(taskbar.clear(), '\u001b]9;4;0;\u001b\\');
  t.equal(taskbar.clear(), '');
  t.not(taskbar.update(view, 10_002), '', 'and is back with the next frame');
  t.equal(taskbar.update({ executions: [], connection: LIVE }, 10_003), '\u001b]9;4;0;\u001b\\');
  t.equal(taskbar.clear(), '');
  t.end();
});

t.test('terminals that show it get it; PROGRESS_OSC decides before that', (t) => {
  t.notOk(hasTaskbar({}));
  t.ok(hasTaskbar({ PROGRESS_OSC: '1' }));
  for (const env of [
    { WT_SESSION: 'x' },
    { ConEmuANSI: 'ON' },
    { TERM_PROGRAM: 'ghostty' },
    { TERM_PROGRAM: 'WezTerm' },
    { TERM_PROGRAM: 'iTerm.app', TERM_PROGRAM_VERSION: '3.6.6' },
    { TERM_PROGRAM: 'iTerm.app', TERM_PROGRAM_VERSION: '4.0' },
    { VTE_VERSION: '8000' },
  ]) {
    t.ok(hasTaskbar(env), JSON.stringify(env));
    t.notOk(hasTaskbar({ ...env, PROGRESS_OSC: '0' }));
    t.notOk(hasTaskbar({ ...env, TMUX: '/tmp/tmux' }), 'tmux does not pass it on');
  }
  for (const env of [{ TERM_PROGRAM: 'iTerm.app', TERM_PROGRAM_VERSION: '3.6.5' }, { VTE_VERSION: '7603' }]) {
    t.notOk(hasTaskbar(env), JSON.stringify(env));
  }
  t.end();
});

t.test('texts are hyperlinks where the terminal is known to show them', (t) => {
  t.notOk(hasHyperlinks({}));
  t.ok(hasHyperlinks({ PROGRESS_OSC: '1' }));
  for (const env of [
    { WT_SESSION: 'x' },
    { KITTY_WINDOW_ID: '1' },
    { TERM: 'foot-extra' },
    { TERM_PROGRAM: 'vscode' },
    { VTE_VERSION: '5000' },
  ]) {
    t.ok(hasHyperlinks(env), JSON.stringify(env));
    t.notOk(hasHyperlinks({ ...env, PROGRESS_OSC: '0' }));
    t.notOk(hasHyperlinks({ ...env, TMUX: '/tmp/tmux' }));
  }
  t.notOk(hasHyperlinks({ VTE_VERSION: '4999' }));
  t.end();
});
