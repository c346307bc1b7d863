/** `progress doctor`: diagnoses problems and shows how to fix them. Changes nothing and starts nothing. */
import { sanitize } from '../../../core/text/ansi.js';
import type { Tone } from '../../../terminal/paint.js';
import { paint } from '../../../terminal/paint.js';
import type { Style } from '../../../terminal/style.js';
import { defineCommand } from '../../command.js';
import { JSON_OPTION } from '../../options.js';
import { checkAgents } from './agents.js';
import {
  checkCommand,
  checkConfig,
  checkDisk,
  checkJournal,
  checkLocker,
  checkNode,
  checkQuarantine,
  checkRuntime,
  checkSpool,
  checkState,
  checkTerminal,
  checkWatching,
} from './checks.js';
import type { Check } from './checks.js';
import { askDaemon, checkDaemon, checkLock, checkSocket } from './daemon.js';
import { checkChannels } from './alerts.js';
import { checkNotifier, checkShell } from './shell.js';
import { print, printLines } from '../../shared/output.js';
import { styleOf } from '../../shared/output-options.js';

const TONES: Readonly<Record<Check['state'], Tone>> = { ok: 'good', warning: 'warn', problem: 'bad' };
const STATE_CELLS = 'problem'.length;
const PROBLEM_STATUS = 1;

export const command = defineCommand({
  verb: 'doctor',
  describe: 'Diagnose problems and show how to fix them',
  positionals: {},
  options: JSON_OPTION,
  async run({ json = false }, { paths, env }) {
    const daemon = await askDaemon(paths);
    const checks = [
      checkCommand(),
      checkNode(process.versions.node),
      checkLocker(env['PATH'] ?? ''),
      checkTerminal(env['PATH'] ?? ''),
      checkConfig(paths.config, daemon.status),
      checkState(paths),
      checkRuntime(paths),
      checkSpool(paths),
      checkWatching(),
      checkLock(paths, daemon),
      checkSocket(paths, daemon),
      checkDaemon(paths, daemon),
      await checkJournal(paths.journal, daemon.status?.journal),
      checkQuarantine(paths.journal),
      checkDisk(paths.journal),
      checkShell(env, paths),
      ...checkAgents(env),
      checkNotifier(env),
      ...checkChannels(daemon.status?.alerts.channels),
    ];
    if (json) await print(`${JSON.stringify(checks, undefined, 2)}\n`);
    else await printLines(checkLines(checks, styleOf(env)));
    return checks.some(({ state }) => state === 'problem') ? PROBLEM_STATUS : 0;
  },
});

export function checkLines(checks: readonly Check[], style: Style): string[] {
  const nameCells = Math.max(...checks.map(({ name }) => name.length));
  const indent = ' '.repeat(STATE_CELLS + nameCells + 4);
  return checks.flatMap(({ name, state, message, advice }) => {
    const head = `${paint(state.padEnd(STATE_CELLS), TONES[state], style)}  ${name.padEnd(nameCells)}  `;
    const [first = '', ...more] = sanitize(message, { color: false }).split('\n');
    return [head + first, ...more, ...(advice === undefined ? [] : [`-> ${sanitize(advice, { color: false })}`])].map(
      (line, index) => (index === 0 ? line : indent + line),
    );
  });
}
