/** `progress web`: the viewer on, and opened in the browser; or off. */
import { spawn } from 'node:child_process';
import { withClient } from '../../client/connect.js';
import { ProgressError } from '../../core/errors.js';
import { findInPath } from '../../platform/paths.js';
import { defineCommand } from '../command.js';
import { printJson, printLines } from '../shared/output.js';

export const command = defineCommand({
  usage: 'web [id]',
  describe: 'Show everything in the browser',
  options: (yargs) =>
    yargs
      .positional('id', { type: 'string', describe: 'Show this execution; off: let nobody in any more' })
      .option('no-open', { type: 'boolean', describe: 'Print the address and open nothing' })
      .option('port', { type: 'number', requiresArg: true, describe: 'Listen on this port' })
      .option('json', { type: 'boolean', describe: 'Print JSON, and open nothing' }),
  async run({ id, port, 'no-open': noOpen = false, json = false }, { paths, env }) {
    const on = id !== 'off';
    if (!on && port !== undefined) throw new ProgressError('usage', '--port says where to listen: leave out off');
    const wanted = {
      on,
      ...(port !== undefined && { port: checkPort(port) }),
      ...(on && id !== undefined && { execution: id }),
    };
    const { url, code, page } = await withClient({ paths, start: true }, (client) => client.call('web', wanted));
    const address = url === null || code === undefined ? null : `${url}#c=${code}`;
    if (json) await printJson([{ url: address }]);
    else await printLines(address === null ? ['the viewer is off'] : [address]);
    if (address !== null && !noOpen && !json) openBrowser(page ?? address, env);
    return 0;
  },
});

function checkPort(port: number): number {
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
  throw new ProgressError('usage', '--port must be a whole number from 1 to 65535');
}

/** In order of preference; `file` rather than the address, since command lines can be read by other users. */
const OPENERS = ['xdg-open', 'open', 'wslview'];

/** Where nobody sits in front of a screen the address that was printed is all there is. */
function openBrowser(file: string, env: NodeJS.ProcessEnv): void {
  const remote = env['SSH_CONNECTION'] !== undefined && env['DISPLAY'] === undefined;
  const [opener] = [env['BROWSER'] ?? '', ...OPENERS].flatMap((name) => (name ? findInPath(name, env['PATH']) : []));
  if (remote || opener === undefined) return;
  const child = spawn(opener, [file], { stdio: 'ignore', detached: true });
  // the address has been printed: whoever cannot be shown the page still has it
  child.on('error', () => undefined);
  child.unref();
}
