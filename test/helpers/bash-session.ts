/** A bash with the hooks, and the executions that it has reported. */
import path from 'node:path';
import type { Test } from 'tap';
import { ROOT } from './daemon.js';
import type { ShellSession } from './shell-session.js';
import { openShell } from './shell-session.js';

export const HOOKS = path.join(ROOT, 'hooks/progress.bash');

/** Typed lines before the hooks are loaded, which then load them. */
export async function openHooked(
  t: Test,
  before: string[] = [],
  env: Record<string, string> = {},
): Promise<ShellSession> {
  const shell = await openShell(t, 'bash', { HISTFILE: '', ...env });
  for (const line of before) await shell.run(line);
  await shell.run(`. '${HOOKS}'`);
  return shell;
}

export interface Command {
  name: unknown;
  end: string;
  exitCode: unknown;
}

/** The executions in the order of their starts. */
export function commandsOf(shell: ShellSession): Command[] {
  const events = shell.events('bash-');
  return events
    .filter(({ type }) => type === 'execution_started')
    .map(({ execution, data }) => {
      const end = events.find(
        (event) => event.execution === execution && /_(completed|failed|cancelled)$/.test(event.type),
      );
      return {
        name: data['name'],
        end: end?.type.replace('execution_', '') ?? 'open',
        exitCode: end?.data['exitCode'],
      };
    });
}

export const namesOf = (shell: ShellSession): unknown[] => commandsOf(shell).map(({ name }) => name);
