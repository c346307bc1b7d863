import { spawnSync } from 'node:child_process';
import path from 'node:path';
import t from 'tap';
import { createHome, ROOT } from '../helpers/daemon.js';
import { recordedTexts } from '../helpers/hook-calls.js';
import { waitFor } from '../helpers/wait.js';

const HOOK = path.join(ROOT, 'hooks/claude-plugin/agent-hook');

t.test('a session is seen working, waiting and done, while it is, and by its hooks alone', async (t) => {
  const home = createHome(t);
  const session = 'f753fb96-3d25-4246-bd5c-f07965c502f9';
  const call = (input: string) => {
    const { status, stdout, stderr } = spawnSync('sh', [HOOK, 'claude'], { input, env: home.env, encoding: 'utf8' });
    t.strictSame({ status, stdout, stderr }, { status: 0, stdout: '', stderr: '' });
  };
  const shows = (what: string, pattern: RegExp) =>
    waitFor(what, () => pattern.test(home.progress(['ps', '--all']).stdout) || undefined);
  const recorded = recordedTexts('claude-hooks/rec-2.1.197-full') ?? [];
  const [stop, end] = [recorded.length - 2, recorded.length - 1];
  const ask = {
    session_id: session,
    hook_event_name: 'PermissionRequest',
    tool_name: 'Bash',
    tool_input: { command: 'ls' },
  };

  // before there is a daemon
  for (const text of recorded.slice(0, 4)) call(text);
  await home.startDaemon();
  await shows('it to work', /claude in demo3.*running|running.*claude in demo3/);
  call(JSON.stringify(ask));
  await shows('it to wait', /may it use Bash: ls\?/);
  for (const text of recorded.slice(4, stop)) call(text);
  await waitFor('it to work again', () => !home.progress(['ps']).stdout.includes('may it use') || undefined);
  call(recorded[stop] ?? '');
  await shows('its turn to be over', /its turn is over/);
  call(recorded[end] ?? '');
  await shows('it to be done', /completed/);
  const { stdout } = home.progress(['show', session]);
  t.match(stdout, 'Agent: Count text files');
});
