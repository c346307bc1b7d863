/** The systemd unit of the daemon, with the absolute paths of this installation. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { HOOKS } from '../setup/hooks.js';

/** Seen from dist/, where everything runs. */
const CLI = fileURLToPath(new URL('cli.js', import.meta.url));

/** Stands for the program in the file. */
const PLACEHOLDER = '@progress@';

/** @param argv what starts the program: absolute paths of Node and of the command line */
export function unitText(argv: readonly string[] = [process.execPath, CLI]): string {
  const template = readFileSync(path.join(HOOKS, 'progress.service'), 'utf8');
  return template.replaceAll(PLACEHOLDER, () => argv.map(quote).join(' '));
}

/** As systemd.service(5) and systemd.unit(5) require it in command lines. */
function quote(word: string): string {
  const escaped = word.replaceAll(/["\\]/g, '\\$&').replaceAll('%', '%%').replaceAll('$', '$$$$');
  return /^[\w/.@:+-]+$/.test(word) ? word : `"${escaped}"`;
}
