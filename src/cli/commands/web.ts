/** `progress web`: starts the viewer and opens it in the browser, or stops it. */
import { withClient } from '../../client/connect.js';
import { ProgressError } from '../../core/base/errors.js';
import { defineCommand } from '../command.js';
import { openBrowser } from '../shared/browser.js';
import { printJson, printLines } from '../shared/output.js';

export const command = defineCommand({
  verb: 'web',
  describe: 'Open the viewer in the browser',
  positionals: { id: { describe: "Execution to show, or 'off' to stop the viewer" } },
  options: {
    port: { type: 'number', value: 'port', describe: 'Listen on this port' },
    'no-open': { type: 'boolean', describe: 'Print the address only' },
    json: { type: 'boolean', describe: 'Print JSON only' },
  },
  async run({ id, port, 'no-open': noOpen = false, json = false }, { paths, env }) {
    const on = id !== 'off';
    if (!on && port !== undefined) throw new ProgressError('usage', "--port cannot be used with 'off'");
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
