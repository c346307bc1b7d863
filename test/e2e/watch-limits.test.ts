import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import t from 'tap';
import { createHome, PROGRESS } from '../helpers/daemon.js';
import { isAble } from '../helpers/needs.js';

/** A user namespace whose users may have no inotify instance. */
const WITHOUT = 'echo 0 >/proc/sys/user/max_inotify_instances && exec "$@"';

const args = ['-Ur', 'sh', '-c', WITHOUT, 'sh'];
const skip = !isAble('unshare', ...args, 'true') && 'no user namespace whose limits can be set';

t.test('an exhausted limit of the system is named in the log and by doctor', { skip }, (t) => {
  const home = createHome(t);
  const commands = '"$0" ps && "$0" doctor --json; "$0" daemon stop >/dev/null';
  const { stdout, stderr } = spawnSync('unshare', [...args, 'sh', '-c', commands, PROGRESS], {
    env: home.env,
    encoding: 'utf8',
  });
  const limit = 'fs.inotify.max_user_instances';
  const [checks = '[]'] = /^\[\n[^]*^\]$/m.exec(stdout) ?? [];
  const watching = (JSON.parse(checks) as { name: string }[]).find(({ name }) => name === 'watching');
  t.match(watching, { state: 'warning', message: limit, advice: `sysctl ${limit}=` }, stdout + stderr);
  t.match(readFileSync(home.paths.daemonLog, 'utf8'), `spool: polled every 30 s, because ${limit} is exhausted`);
  t.end();
});
