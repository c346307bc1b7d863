/** Checks the hooks of the user's shell, and the desktop. */
import path from 'node:path';
import { NO_BUS, whyUnavailable } from '../../../alerts/channels/desktop.js';
import { ProgressError } from '../../../core/base/errors.js';
import type { Paths } from '../../../platform/paths.js';
import { findShell, isExecutable, resolveRcFiles } from '../../../platform/paths.js';
import { readTextSync } from '../../../platform/regular-file.js';
import type { Check, Finding } from './checks.js';
import { ok, problem, warning } from './checks.js';
import { findBlock, programOf } from '../setup/rc-block.js';
import { readRcFile } from '../../../platform/rc-file.js';

export function checkShell(env: NodeJS.ProcessEnv, { spool }: Pick<Paths, 'spool'>): Check {
  return { name: 'shell', ...inspectShell(env, spool) };
}

function inspectShell(env: NodeJS.ProcessEnv, spool: string): Finding {
  const shell = findShell(env);
  if (!shell) return ok(`there are no hooks for ${env['SHELL'] ?? 'a shell without a name'}`);
  const file = resolveRcFiles(env)[shell];
  try {
    const block = findBlock(readRcFile(file).text ?? '', file);
    if (!block) return ok(`no hooks in ${file}: \`progress setup\` adds them`);
    const where = `${file}:${block.line}`;
    const program = programOf(block, shell);
    if (program === undefined) return warning(`${where}: edited by hand`, 'run `progress setup` to replace it');
    if (!isExecutable(program)) {
      return problem(
        `${where}: ${program} does not exist`,
        'run `progress setup` to repair it, or `progress setup --undo` to remove it',
      );
    }
    const refusal = readText(path.join(spool, `.${shell}-refusal`)).trim();
    if (refusal !== '') {
      return warning(
        `${where} loads the hooks, but the newest ${shell} records nothing: ${refusal}`,
        'set it without `readonly` in the start files of the shell, then open a new one',
      );
    }
    return ok(`${where} loads the hooks of ${program}`);
  } catch (thrown) {
    return problem(ProgressError.from(thrown).message, 'then run `progress setup` to add it again');
  }
}

function readText(file: string): string {
  try {
    return readTextSync(file) ?? '';
  } catch {
    return '';
  }
}

/** Checks whether notifications can be shown; a machine without a desktop, such as a server, is fine. */
export function checkNotifier(env: NodeJS.ProcessEnv): Check {
  const name = 'notifier';
  const reason = whyUnavailable(env);
  if (reason === undefined) return { name, ...ok('notifications can be shown on the desktop') };
  if (reason === NO_BUS) return { name, ...ok(`${reason}: no notifications are shown on a desktop`) };
  const advice = 'install libnotify-bin or libnotify, or set alerts.desktop to false';
  return { name, ...warning(`${reason}: no notifications are shown on the desktop`, advice) };
}
