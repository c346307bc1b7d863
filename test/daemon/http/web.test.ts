import { existsSync, mkdirSync } from 'node:fs';
import t from 'tap';
import { parseConfig } from '../../../src/config/load.js';
import { createAccess } from '../../../src/daemon/http/access.js';
import { Http } from '../../../src/daemon/http/web.js';
import { createHome } from '../../helpers/daemon.js';
import { freePort } from '../../helpers/http.js';
import { createManualClock } from '../../helpers/manual-clock.js';

t.test('the page with a code exists as long as the code is valid', async (t) => {
  const { paths } = createHome(t);
  for (const directory of [paths.state, paths.runtime]) mkdirSync(directory, { recursive: true, mode: 0o700 });
  const clock = createManualClock();
  const http = new Http({
    paths,
    config: parseConfig('', 'config.yaml').web,
    access: createAccess(paths.webToken, () => clock.now()),
    places: 100,
    reject: (code) => t.fail(code),
    log: () => undefined,
    clock,
  });
  http.route({ find: () => [] });
  await http.start();
  const port = await freePort();
  const { page = '' } = await http.on({ port });
  clock.advance(59_000);
  t.ok(existsSync(page));
  clock.advance(1_000);
  t.notOk(existsSync(page));
  const another = await http.on({});
  await http.close();
  t.notOk(existsSync(another.page ?? ''));
  t.equal(clock.timers(), 0, 'nothing keeps the daemon');
});
