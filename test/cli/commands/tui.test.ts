import t from 'tap';
import { createHome, PROGRESS } from '../../helpers/daemon.js';
import { whyNo } from '../../helpers/needs.js';
import { openTmux } from '../../helpers/tmux.js';
import { waitFor } from '../../helpers/wait.js';

t.test('without a terminal it names what to use instead', async (t) => {
  const home = createHome(t);
  t.match(await home.invoke(['tui']), { status: 64, stderr: /tui needs a terminal; 'progress watch' prints lines/ });
});

t.test('in a real terminal', { skip: whyNo('tmux') }, async (t) => {
  const home = createHome(t);
  await home.startDaemon();
  const client = await home.connect();
  t.teardown(() => client.destroy());
  const emit = async (type: string, execution: string, data = {}) =>
    await client.call('emit', { event: { type, execution, data } });
  for (const [id, name] of Object.entries({ one: 'First', two: 'Second' }))
    await emit('execution_started', id, { name });
  for (let line = 1; line <= 60; line++) await emit('output', 'one', { stream: 'stdout', text: `line ${line}\n` });
  await emit('attention', 'two', { state: 'waiting', reason: 'go on?' });
  const tmux = await openTmux(t, { columns: 80, rows: 24 }, { PROGRESS_HOME: home.directory });
  await tmux.enter(`echo before; ${PROGRESS} tui; echo "status $?"`);

  await t.test('lists, filters, opens, follows and goes back', async (t) => {
    const list = await tmux.see(/NEEDS YOU \(1\)\n.*Second +waiting \w+: go on\?[^]*RUNNING \(1\)\n.*First/);
    t.notMatch(list, /before/, 'it is on the alternate screen');
    t.notOk(await tmux.isCursorVisible());
    await tmux.key('/');
    for (const key of 'fir') await tmux.key(key);
    await tmux.see(/^\/fir.* 1 of 2/m);
    await tmux.key('Enter');
    await tmux.key('Enter');
    await tmux.see(/line 60[^]*FOLLOW · 61 lines/);
    await emit('output', 'one', { stream: 'stdout', text: 'the newest\n' });
    await tmux.see(/the newest[^]*FOLLOW · 62 lines/);
    await tmux.key('PageUp');
    await tmux.see(/line \d+ · 62 lines/);
    await tmux.key('q');
    await tmux.see(/1 of 2/);
    await tmux.key('Escape');
    await tmux.see(/Second/);
  });

  await t.test('stops and continues with the job, and draws again after a resize', async () => {
    await tmux.key('C-z');
    await tmux.see(/before[^]*ready>/);
    await tmux.enter('fg; echo "left $?"');
    await tmux.see(/NEEDS YOU/);
    await tmux.resize(50, 12);
    await tmux.see(/NEEDS YOU[^]*help/);
  });

  await t.test('leaving restores the screen and the terminal', async (t) => {
    await tmux.key('q');
    const end = await tmux.see(/left 0/);
    t.match(end, /before/);
    t.match(end, /1 need you · 1 running/, 'the last state stays');
    t.notMatch(end, /NEEDS YOU/);
    t.ok(await tmux.isCursorVisible());
    await tmux.enter('stty -a | tr " ;" "\\n\\n" | grep -E "^-?(icanon|echo|isig)$" | sort | xargs echo modes');
    await tmux.see(/^modes echo icanon isig$/m);
  });

  await t.test('without a daemon it says so, and how to start one', async () => {
    await tmux.resize(80, 24);
    await tmux.enter(`${PROGRESS} tui`);
    await tmux.see(/NEEDS YOU/);
    await home.invoke(['daemon', 'stop']);
    await tmux.see(/no daemon since .*progress daemon start/);
    await home.startDaemon();
    await tmux.see(/live$/m);
    await tmux.key('q');
    await waitFor('the shell', async () => (await tmux.capture()).includes('ready>'));
  });
});
