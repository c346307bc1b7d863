/** Opens pages in the user's browser. */
import { spawn } from 'node:child_process';
import { findInPath } from '../../platform/paths.js';

/** In order of preference; `file` rather than the address, since command lines can be read by other users. */
const OPENERS = ['xdg-open', 'open', 'wslview'];

/** Opens the page, unless there is no screen or no program to open it with. */
export function openBrowser(file: string, env: NodeJS.ProcessEnv): void {
  const remote = env['SSH_CONNECTION'] !== undefined && env['DISPLAY'] === undefined;
  const [opener] = [env['BROWSER'] ?? '', ...OPENERS].flatMap((name) => (name ? findInPath(name, env['PATH']) : []));
  if (remote || opener === undefined) return;
  const child = spawn(opener, [file], { stdio: 'ignore', detached: true });
  // the address has been printed in any case
  child.on('error', () => undefined);
  child.unref();
}
