/** An interactive shell on a real terminal, and what it has written to the spool. */
import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { Test } from 'tap';
import type { Tmux } from './tmux.js';
import { openTmux, PROMPT } from './tmux.js';
import { waitFor } from './wait.js';

/** No line that a test types is wrapped at this width. */
const SIZE = { columns: 300, rows: 50 };

/** Each without the files of its user. */
const SHELLS = {
  bash: ['bash', '--norc', '--noprofile', '-i'],
  zsh: ['zsh', '-f', '-i'],
  fish: ['fish', '--no-config', '-i', '-C', `function fish_prompt; printf '${PROMPT}'; end; set -g fish_greeting`],
} as const;

export type ShellName = keyof typeof SHELLS;

/** A line of the spool. */
export interface SpoolEvent {
  type: string;
  time?: number | string;
  execution?: string;
  step?: string;
  data: Record<string, unknown>;
}

export interface ShellSession extends Tmux {
  spool: string;
  /** Types a line, waits for the prompt after it; answers with what stood between them, as far as the screen shows it. */
  run(line: string): Promise<string>;
  /** Waits for one prompt more than there were when it was called, while `act` runs. */
  untilPrompt(act: () => Promise<void>): Promise<string>;
  /** All lines of the spool, file by file, or those of one kind of file. */
  events(prefix?: string): SpoolEvent[];
}

/** A shell with a home of its own, which has a spool directory; `env` is added to its environment. */
export async function openShell(t: Test, name: ShellName, env: Record<string, string> = {}): Promise<ShellSession> {
  const tmux = await openTmux(t, SIZE, env, SHELLS[name]);
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
    events: (prefix) => readSpool(spool, prefix),
  };
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

/** Whole lines, parsed. */
export function readSpool(spool: string, prefix = ''): SpoolEvent[] {
  if (!existsSync(spool)) return [];
  const files = readdirSync(spool).filter((file) => file.startsWith(prefix) && file.endsWith('.ndjson'));
  return files.sort().flatMap((file) =>
    readFileSync(path.join(spool, file), 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as SpoolEvent),
  );
}
