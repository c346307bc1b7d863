/** A plain POSIX script and the in-place box, in two real terminals. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import t from 'tap';
import { createHome, ROOT } from '../helpers/daemon.js';
import { openTmux } from '../helpers/tmux.js';
import { whyNo } from '../helpers/needs.js';

const skip = whyNo('tmux');
const STORY = path.join(ROOT, 'test/fixtures/story.sh');

t.test('a script with steps and criteria is shown live, and its end stays', { skip }, async (t) => {
  const home = createHome(t);
  await home.startDaemon();
  const PATH = `${ROOT}/bin:${process.env['PATH'] ?? ''}`;
  const tmux = await openTmux(t, { columns: 80, rows: 30 }, { PROGRESS_HOME: home.directory, PATH });
  const tell = async (env: NodeJS.ProcessEnv) => {
    const story = spawn('sh', [STORY], { env: { ...home.env, PATH, ...env }, stdio: 'ignore' });
    t.teardown(() => story.kill('SIGKILL'));
    return (await once(story, 'exit'))[0] as number;
  };
  await tmux.enter('progress watch --stream');
  await tmux.see(/Nothing is running/);
  const ended = tell({ PAUSE: '0.7' });
  await tmux.see(/Two stories/);
  await tmux.see(/✅ The form is shown[^]*A wrong password says "no"/);
  await tmux.see(/1\/2 steps/);
  t.equal(await ended, 0);
  t.match(await tmux.see(/Two stories completed/), /✅ Two stories completed/);
  t.equal(await tell({ FAIL: '1' }), 1);
  await tmux.see(/Two stories failed/);
  await tmux.key('q');
  // keys that are typed before the box has left belong to it
  await tmux.see(/ready>\s*$/);
  await tmux.enter("progress show 'Two stories'");
  const shown = await tmux.see(/The cookie is gone .*/);
  t.match(shown, /✗ Log out {2}failed · exit status 1/);
  t.match(shown, /✓ The session ends/);
});
