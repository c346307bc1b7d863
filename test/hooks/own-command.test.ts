/** A list typed at a prompt excludes its own line, in real shells on real terminals. */
import t from 'tap';
import { createHome, PROGRESS } from '../helpers/daemon.js';
import { HOOK_SHELLS } from '../helpers/hook-shells.js';
import { openHooked } from '../helpers/shell-session.js';
import { waitFor } from '../helpers/wait.js';

t.jobs = 3;

for (const shell of HOOK_SHELLS) {
  t.test(
    `${shell.name}: a list excludes its own line, and not that of another shell`,
    { skip: shell.skipInTmux },
    async (t) => {
      const home = createHome(t);
      await home.startDaemon();
      // without patterns even these commands are recorded
      const env = { PROGRESS_HOME: home.directory, PROGRESS_IGNORE: '', CI: '' };
      const [asking, other] = [await openHooked(t, shell, [], env), await openHooked(t, shell, [], env)];
      await other.enter('cat; : progress ps');
      const list = async (line: string) =>
        (await asking.run(line)).split('\n').filter((row) => row.includes('running'));
      for (const line of ['progress ps', 'true; progress ps | cat', `env ${PROGRESS} ps`])
        t.match(await waitForOther(list, line), [/: progress ps/], line);
      t.equal((await list('progress ps --all')).length, 2, 'the other one and this one');
      await asking.enter('PROGRESS_OUTPUT=box progress watch --stream');
      let box: string[] = [];
      await waitFor('the box', async () => {
        box = (await asking.capture('screen')).split('\n').filter((row) => row.startsWith('│'));
        return box.some((row) => row.includes(': progress ps'));
      });
      t.notMatch(box.join('\n'), 'watch --stream');
      await asking.untilPrompt(async () => await asking.key('q'));
    },
  );
}

type List = (line: string) => Promise<string[]>;

/** Retries until the line of the other shell is in the journal. */
async function waitForOther(list: List, line: string): Promise<string[]> {
  let rows: string[] = [];
  await waitFor('the other line', async () => (rows = await list(line)).length > 0);
  return rows;
}
