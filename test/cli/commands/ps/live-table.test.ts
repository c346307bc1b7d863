import t from 'tap';
import { createHome, PROGRESS } from '../../../helpers/daemon.js';
import { openTmux } from '../../../helpers/tmux.js';
import { whyNo } from '../../../helpers/needs.js';

t.test('ps --watch in a real terminal', { skip: whyNo('tmux') }, async (t) => {
  const home = createHome(t);
  const daemon = await home.startDaemon();
  const emit = async (...events: Record<string, unknown>[]) => {
    const client = await home.connect();
    for (const event of events) await client.call('emit', { event });
    await client.close();
  };
  const tmux = await openTmux(t, { columns: 80, rows: 12 }, { PROGRESS_HOME: home.directory });
  await emit({ type: 'execution_started', execution: 'one', name: 'First' });
  await tmux.enter('echo before');
  await tmux.enter(`${PROGRESS} ps --watch --sort name; echo "status $?"`);

  await t.test('updates the table after events, and its clocks without any', async (t) => {
    const first = await tmux.see(/^ID +STATUS +NAME +TIME\none +● running +First +[\d.]+s$/m);
    t.match(first, /^before$/m, 'what was on the screen stays');
    const time = /First +([\d.]+s)/.exec(first)?.[1] ?? '';
    await tmux.see(new RegExp(`First +(?!${time.replace('.', '\\.')}\\b)[\\d.]+s$`, 'm'));
    await emit(
      { type: 'execution_queued', execution: 'two', name: 'Second', queue: 'build' },
      { type: 'attention', execution: 'one', state: 'waiting', reason: 'may I?' },
    );
    await tmux.see(/waiting\b.* First +may I\?.*\ntwo +◦ queued #1 +Second/);
    await emit({ type: 'execution_completed', execution: 'one' });
    t.notMatch(await tmux.see(/^ID.*\ntwo [^\n]*\n+$/m), 'First');
  });

  await t.test('shows as many lines as there is room for, also after a resize', async (t) => {
    const more = Array.from({ length: 20 }, (_, n) => ({
      type: 'execution_started',
      execution: `many-${n}`,
      name: `many ${String(n).padStart(2, '0')}`,
    }));
    await emit(...more);
    await tmux.see(/^many-\S+ .*\n[^]*^and 12 more$/m);
    await tmux.resize(50, 9);
    const narrow = await tmux.see(/^and 15 more$/m);
    t.equal(narrow.match(/^ID /gm)?.length, 1);
  });

  await t.test('says that the connection is lost, and recovers', async (t) => {
    await daemon.kill();
    await tmux.see(/^! no daemon is running/m);
    await home.startDaemon();
    t.notMatch(await tmux.see(/^ID [^]*^and 15 more$/m), 'no daemon');
  });

  await t.test('Ctrl-C leaves the last table, and restores the terminal', async (t) => {
    await tmux.key('C-c');
    const end = await tmux.see(/^status 0$/m, 'history');
    t.match(end, /^ID [^]*^and 15 more\nstatus 0$/m);
    t.ok(await tmux.isCursorVisible());
    await tmux.enter('stty -a | tr " ;" "\\n\\n" | grep -E "^-?(icanon|echo|isig)$" | sort | xargs echo modes');
    await tmux.see(/^modes echo icanon isig$/m);
  });
});
