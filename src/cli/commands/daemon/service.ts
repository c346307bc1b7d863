/** Systemd unit of the daemon, with the absolute paths of this installation. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { PROGRAM_FILE } from '../../shared/program-file.js';
import { HOOKS } from '../setup/hooks.js';

/** Placeholder of the program in the template. */
const PLACEHOLDER = '@progress@';

/** @param argv - absolute paths of Node and of the command line */
export function unitText(argv: readonly string[] = [process.execPath, PROGRAM_FILE]): string {
  const template = readFileSync(path.join(HOOKS, 'progress.service'), 'utf8');
  return template.replaceAll(PLACEHOLDER, () => argv.map(quote).join(' '));
}

/** Quotes as systemd.service(5) and systemd.unit(5) require. */
function quote(word: string): string {
  const escaped = word.replaceAll(/["\\]/g, '\\$&').replaceAll('%', '%%').replaceAll('$', '$$$$');
  return /^[\w/.@:+-]+$/.test(word) ? word : `"${escaped}"`;
}
