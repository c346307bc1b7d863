/** An interactive shell on a real terminal, with the events that it writes to the spool. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Test } from 'tap';
import type { HookShell } from './hook-shells.js';
import type { SpoolEvent } from './spool.js';
import { readSpool } from './spool.js';
import type { Tmux } from './tmux.js';
import { openTmux, PROMPT } from './tmux.js';
import { waitFor } from './wait.js';

/** No typed line is wrapped at this width. */
const SIZE = { columns: 300, rows: 50 };

export interface ShellSession extends Tmux {
  spool: string;
  /** Types a line, waits for the next prompt; returns the text between them, as far as the screen shows it. */
  run(line: string): Promise<string>;
  /** Waits for one prompt more than there were when it was called, while `act` runs. */
  untilPrompt(act: () => Promise<void>): Promise<string>;
  /** All lines of the spool, file by file, or those of one kind of file. */
  events(prefix?: string): SpoolEvent[];
}

/** Opens a shell with a private home that has a spool directory; `env` is added to its environment. */
export async function openShell(
  t: Test,
  { interactive, env: usual }: HookShell,
  env: Record<string, string> = {},
): Promise<ShellSession> {
  const tmux = await openTmux(t, SIZE, { ...usual, ...env }, interactive);
  const spool = path.join(tmux.home, '.local/state/progress/spool');
  mkdirSync(spool, { recursive: true, mode: 0o700 });

  const nextPrompt = async (history: string): Promise<string> => {
    const before = promptsOf(history).length;
    let screen = '';
    const found = waitFor('the next prompt', async () => {
      screen = await tmux.capture('history');
      return promptsOf(screen).length > before && screen.trimEnd().endsWith(PROMPT.trimEnd());
    });
    await found.catch((error: unknown) => {
      throw new Error(`${String(error)}:\n${screen}`);
    });
    return outputAfter(screen, before - 1);
  };
  const untilPrompt = async (act: () => Promise<void>): Promise<string> => {
    const history = await tmux.capture('history');
    await act();
    return await nextPrompt(history);
  };
  return {
    ...tmux,
    spool,
    untilPrompt,
    run: async (line) => await nextPrompt(await tmux.captureAndEnter(line)),
    events: (prefix) => readSpool({ paths: { spool } }, prefix),
  };
}

/** Opens a shell, runs the lines of `before`, and loads its hooks. */
export async function openHooked(
  t: Test,
  shell: HookShell,
  before: readonly string[] = [],
  env: Record<string, string> = {},
): Promise<ShellSession> {
  const session = await openShell(t, shell, env);
  for (const line of [...shell.before, ...before, shell.load]) await session.run(line);
  return session;
}

/** The rows with a prompt. */
function promptsOf(screen: string): number[] {
  return screen.split('\n').flatMap((row, index) => (row.startsWith(PROMPT.trimEnd()) ? [index] : []));
}

/** The rows between the prompt with this index and the next. */
function outputAfter(screen: string, index: number): string {
  const prompts = promptsOf(screen);
  return screen
    .split('\n')
    .slice((prompts[index] ?? 0) + 1, prompts[index + 1])
    .join('\n');
}
