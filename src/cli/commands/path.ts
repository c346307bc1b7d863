/** `progress path`: prints paths of the package and of the daemon. bin/progress answers for the shells without Node. */
import path from 'node:path';
import type { Paths } from '../../platform/paths.js';
import { SHELLS } from '../../platform/paths.js';
import { defineCommand } from '../command.js';
import { HOOKS } from './setup/hooks.js';
import { printLines } from '../shared/output.js';

/** Files of the package. */
const FILES = ['sh', ...SHELLS, 'hooks', 'examples'] as const;

/** Files and directories of the daemon. */
const PLACES = {
  socket: ({ inherited, socket }) => inherited ?? socket,
  http: ({ httpSocket }) => httpSocket,
  journal: ({ journal }) => journal,
  config: ({ config }) => config,
} satisfies Record<string, (paths: Paths) => string>;

const WHAT = [...FILES, ...(Object.keys(PLACES) as (keyof typeof PLACES)[])] as const;

export const command = defineCommand({
  verb: 'path',
  describe: 'Print paths of the package and of the daemon',
  positionals: { what: { choices: WHAT, required: true, describe: 'Path to print' } },
  options: {},
  async run({ what }, { paths }) {
    await printLines([locate(what, paths)]);
    return 0;
  },
});

function locate(what: (typeof WHAT)[number], paths: Paths): string {
  if (what in PLACES) return PLACES[what as keyof typeof PLACES](paths);
  if (what === 'hooks') return HOOKS;
  return what === 'examples' ? path.join(HOOKS, '../examples') : `${HOOKS}/progress.${what}`;
}
