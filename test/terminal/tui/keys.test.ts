/** Every key that the help pages list, in one real terminal. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { PROGRESS } from '../../helpers/daemon.js';
import { whyNo } from '../../helpers/needs.js';
import { startRunHome } from '../../helpers/runs.js';
import type { Tmux } from '../../helpers/tmux.js';
import { openTmux } from '../../helpers/tmux.js';

/** A key by the name that the help page has for it, and what the screen shows after it. */
type Press = readonly [key: string, shows: RegExp];

const TMUX_NAMES: ReadonlyMap<string, string> = new Map([
  ['Esc', 'Escape'],
  ['Shift-Tab', 'BTab'],
  ['PgUp', 'PageUp'],
  ['PgDn', 'PageDown'],
  ['↑', 'Up'],
  ['↓', 'Down'],
]);

class Keys {
  readonly #tmux: Tmux;
  readonly #pressed = new Set<string>();

  constructor(tmux: Tmux) {
    this.#tmux = tmux;
  }

  /** Presses keys in turn, each until the screen shows what it must. */
  async press(...presses: readonly Press[]): Promise<void> {
    for (const [key, shows] of presses) {
      const control = /^Ctrl-(.)$/.exec(key)?.[1]?.toLowerCase();
      await this.#tmux.key(control === undefined ? (TMUX_NAMES.get(key) ?? key) : `C-${control}`);
      await this.#tmux.see(shows);
      this.#pressed.add(key);
    }
  }

  /** Types into a field: these keys do not count as tested. */
  async type(text: string): Promise<void> {
    for (const key of text) await this.#tmux.key(key === ' ' ? 'Space' : key);
  }

  /** Reads the help page, which is closed again. @returns keys on it that were not pressed */
  async untested(): Promise<string[]> {
    await this.press(['?', /Go to the first or last row/]);
    const page = await this.#tmux.capture();
    await this.#tmux.key('q');
    await this.#tmux.see(/\? help/);
    const keys = page.split('\n').flatMap((row) => /^(\S.*?) {2,}[A-Z]/.exec(row)?.[1]?.split(' ') ?? []);
    return keys.length < 10 ? ['the page is empty'] : keys.filter((key) => !this.#pressed.has(key));
  }
}

const on = (name: string) => new RegExp(`^❯.*${name}`, 'm');

t.test('each key does what the help page says', { skip: whyNo('tmux') }, async (t) => {
  const home = await startRunHome(t);
  const client = await home.connect();
  t.teardown(() => client.destroy());
  const emit = async (type: string, execution: string, data = {}, step?: string) =>
    await client.call('emit', { event: { type, execution, data, ...(step !== undefined && { step }) } });
  await emit('execution_started', 'agt', { name: 'agent', kind: 'agent', agent: 'claude' });
  await emit('step_started', 'agt', { name: 'First', kind: 'story' }, 's1');
  await emit('step_completed', 'agt', {}, 's1');
  await emit('step_started', 'agt', { name: 'Second', kind: 'story', needs: ['s1'] }, 's2');
  await emit('step_started', 'agt', { name: 'Helper', kind: 'subagent', parent: 's2' }, 's3');
  await emit('log', 'agt', { level: 'error', message: 'it broke' }, 's2');
  for (let line = 1; line <= 200; line++) {
    const stream = line % 2 === 0 ? 'stderr' : 'stdout';
    await emit('output', 'agt', { stream, text: `line ${line}${line === 200 ? ' wide'.repeat(30) : ''}\n` });
  }
  await emit('activity', 'agt', { kind: 'assistant-text', text: 'I will help.' });
  await emit('activity', 'agt', { kind: 'assistant-text', text: 'Counted.' }, 's3');
  await emit('resource_update', 'agt', { cpu: 50, rss: 1e6, processes: 1 });
  await emit('execution_started', 'prt', { name: 'parent', labels: { team: 'web' } });
  await emit('execution_started', 'chd', { name: 'child', parent: 'prt' });
  await home.invoke(['queue', 'set', 'q', '--slots', '1']);
  await home.invoke(['queue', 'pause', 'q']);
  for (const name of ['one', 'two']) await emit('execution_queued', name, { name, queue: 'q' });
  const run = await home.start(['--name', 'runner', '--pty'], 'sh', '-c', 'echo attached here; sleep 300');
  await home.until(run, 'running');
  const tmux = await openTmux(t, { columns: 100, rows: 45 }, { PROGRESS_HOME: home.directory, BROWSER: '/bin/true' });
  await tmux.enter(`${PROGRESS} tui; echo "left $?"`);
  await tmux.see(/RUNNING \(4\)[^]*QUEUED \(2\)/);
  const keys = new Keys(tmux);

  await t.test('on the list', async (t) => {
    await testMoves(keys, on('runner'), on('two'));
    await keys.press(['↓', on('parent')], ['↑', on('runner')], ['j', on('parent')], ['k', on('runner')]);
    await keys.press(['j', on('parent')], ['-', /RUNNING \(4\)\n(?!.*child)(.*\n){3}QUEUED/], ['z', /child/]);
    await keys.press(['S', /by name/], ['S', /by started/], ['S', /by duration/], ['S', /^RUNNING/m]);
    await keys.press(['B', /by agent/], ['B', /by queue/], ['B', /by label/], ['B', /^RUNNING/m]);
    await keys.press(['Space', /1 marked/], ['Esc', /live\nRUNNING/], ['g', on('runner')]);
    await keys.press(['y', /Copied/], ['r', /^Run again: sh -c 'echo/m], ['Esc', /\? help/]);
    await keys.press(['E', /^Export to: progress-.*tar\.gz▏/m], ['Esc', /\? help/], ['O', /http:\/\/127.*#c=/]);
    await keys.press(['p', /‖.*runner.*paused/], ['p', /⏳.*runner/]);
    await keys.press(
      ['X', /^Kill runner\? y\/N/m],
      ['Esc', /\? help/],
      ['x', /^Stop runner\? y\/N/m],
      ['Esc', /\? help/],
    );
    await keys.press(['a', /^Attached to[^]*attached here/m]);
    await tmux.key('C-]');
    await tmux.see(on('runner'));
    await keys.press(['M', /mouse is off/], ['M', /mouse is on/], ['/', /^\/▏/m]);
    await keys.type('agen');
    await keys.press(['Enter', /^\/agen {2}1 of 6/m], ['D', /^Dismiss agent\? y\/N/m], ['Esc', /\? help/]);
    await keys.press(['l', /1 Transcript/], ['q', /1 of 6/], ['Right', /1 Transcript/], ['q', /1 of 6/]);
    await keys.press(['Q', /^❯ q {2}1 slot/m], ['Esc', /1 of 6/]);
    t.strictSame(
      (await keys.untested()).filter((key) => key !== 'Ctrl-C'),
      [],
    );
  });

  await t.test('in a transcript and a log', async (t) => {
    await keys.press(['Enter', /I will help/], ['u', /step Helper: 1 shown/], ['Esc', /I will help/]);
    await keys.press(['Tab', /200 wide/], ['Shift-Tab', /I will help/], [']', /200 wide/], ['[', /I will help/]);
    await keys.press(['3', /First/], ['4', /▇/], ['5', /needs First/], ['6', /CPU/], ['7', /kind +agent/]);
    await keys.press(['1', /I will help/]);
    t.strictSame(
      (await keys.untested()).filter((key) => !LOG_KEYS.includes(key) && key !== 'Ctrl-C'),
      [],
    );
    await keys.press(['2', /200 wide/], ['g', /it broke/], ['f', /200 wide[^]*FOLLOW/], ['f', /^line \d+ · /m]);
    await testMoves(keys, /started\n/, /FOLLOW/);
    await keys.press(
      ['G', /FOLLOW/],
      ['↑', /^line \d+ · /m],
      ['↓', /FOLLOW/],
      ['k', /^line \d+ · /m],
      ['j', /FOLLOW/],
      ['/', /^Find: ▏/m],
    );
    await keys.type('line 7');
    await keys.press(['Enter', /"line 7" 11\/11/], ['n', /" 1\/11/], ['N', /11\/11/], ['Esc', /lines$/m]);
    await keys.press(['e', /it broke[^]*^line \d · /m], ['@', /^Go to time.*▏/m], ['Esc', /\? help/]);
    await keys.press(['G', /FOLLOW/], ['w', /^ {9}wide/m], ['w', /200 wide.*…$/m]);
    await keys.press(
      ['Right', /^\d\d:\d\d:\d\d de wide/m],
      ['Left', /line 200 wide/],
      ['t', /^line 200 wide/m],
      ['t', /:\d\d line 200/],
    );
    await keys.press(
      ['o', /stdout: \d+ shown/],
      ['o', /stderr: \d+ shown/],
      ['o', /lines$/m],
      ['L', /level info and above/],
    );
    await keys.press(['Esc', /lines$/m], ['Y', /Copied/], ['y', /Copied/]);
    t.strictSame(
      (await keys.untested()).filter((key) => key !== 'Ctrl-C'),
      [],
    );
  });

  await t.test('on the steps', async (t) => {
    await keys.press(['3', on('Helper')], ['k', on('Second')], ['-', /^❯\+.*Second/m], ['z', /Helper/]);
    await keys.press(['Z', /^ \+.*First/m], ['Z', /^ {2}✓ s1 · First/m], ['s', /1 Transcript[^]*line \d+ · /m]);
    await keys.press(['3', on('Second')], ['Enter', /step Second: \d+ shown/], ['Esc', /lines$/m]);
    t.strictSame(
      (await keys.untested()).filter((key) => key !== 'Ctrl-C'),
      [],
    );
    await keys.press(['Esc', /1 of 6/], ['Esc', /live\nRUNNING/]);
  });

  await t.test('reruns an edited command and writes an archive', async (t) => {
    const file = path.join(tmux.home, 'run.tar.gz');
    await keys.press(['g', on('runner')], ['E', /^Export to:/m], ['Ctrl-U', /^Export to: ▏/m]);
    await keys.type(file);
    await keys.press(['Enter', /^Written to/m]);
    t.ok(existsSync(file));
    await keys.press(['r', /^Run again: sh/m], ['Ctrl-U', /^Run again: ▏/m]);
    await keys.type("sh -c 'exit 3'");
    await keys.press(['Enter', /runner failed after .*, exit 3/]);
  });

  await t.test('on the queues', async (t) => {
    await keys.press(
      ['Q', on('q {2}1 slot')],
      ['+', /2 slots/],
      ['-', /1 slot ·/],
      ['p', /q {2}1 slot · 0 running · 2 waiting$/m],
    );
    await keys.press(['p', /paused/], ['G', on('2 {2}two')], ['K', on('1 {2}two')], ['J', on('2 {2}two')]);
    await keys.press(['<', on('1 {2}two')], ['>', on('2 {2}two')], ['Enter', /^two/m], ['q', on('2 {2}two')]);
    t.strictSame(
      (await keys.untested()).filter((key) => key !== 'Ctrl-C'),
      [],
    );
    await keys.press(['Ctrl-C', /left 0/]);
  });
});

/** Keys of a log that are tested after those of a transcript. */
const LOG_KEYS = ['2', 'f', '/', 'n', 'N', 'e', '@', 'L', 'o', 'w', 't', 'Left', 'Y'];

async function testMoves(keys: Keys, first: RegExp, last: RegExp): Promise<void> {
  for (const [down, up] of [
    ['G', 'g'],
    ['End', 'Home'],
    ['PgDn', 'PgUp'],
    ['Ctrl-F', 'Ctrl-B'],
    ['Ctrl-D', 'Ctrl-U'],
  ] as const) {
    await keys.press(
      [down, down === 'Ctrl-D' || down.startsWith('P') || down.endsWith('F') ? /./ : last],
      [up, up === 'g' || up === 'Home' ? first : /./],
    );
  }
  await keys.press(['g', first]);
}
