/**
 * Progress in the taskbar or the tab of the terminal: OSC 9;4 of ConEmu, which Windows Terminal, Ghostty, WezTerm, iTerm2
 * and VTE show as well.
 */
import { shareOf } from '../core/estimates/work.js';
import type { Execution } from '../core/execution.js';
import { isFailure, isFinal } from '../core/execution.js';
import type { View } from './view.js';

/** States of the protocol. `paused` is shown as a warning. */
const STATES = { value: 1, error: 2, indeterminate: 3, paused: 4 } as const;

/** Ghostty drops a progress that is not repeated within 15 s. */
const REPEAT_MS = 10_000;
const CLEAR = sequence('0;');

export class Taskbar {
  #shown = CLEAR;
  #at = 0;

  /** Returns what to write with the next frame; empty if the terminal shows it. */
  update(view: Pick<View, 'executions' | 'connection'>, now: number): string {
    const next = progressOf(view);
    const isRepeated = next !== CLEAR && now - this.#at >= REPEAT_MS;
    if (next === this.#shown && !isRepeated) return '';
    this.#shown = next;
    this.#at = now;
    return next;
  }

  /** Returns what removes the progress; empty if there is none. */
  clear(): string {
    if (this.#shown === CLEAR) return '';
    this.#shown = CLEAR;
    return CLEAR;
  }
}

/** What a person must see first decides: a request for input or a lost connection, a failure, a pause. */
function progressOf({ executions, connection }: Pick<View, 'executions' | 'connection'>): string {
  const open = executions.filter(({ status }) => !isFinal(status));
  const state = stateOf(executions, open, connection.state === 'lost');
  if (state === undefined) return CLEAR;
  const share = averageShare(open);
  if (state === 'value' && share === undefined) return sequence(`${STATES.indeterminate};`);
  // Windows Terminal shows the other states at 0 % as nothing
  const percent = Math.floor((share ?? 1) * 100);
  return sequence(`${STATES[state]};${percent}`);
}

function stateOf(
  executions: readonly Execution[],
  open: readonly Execution[],
  isLost: boolean,
): 'value' | 'error' | 'paused' | undefined {
  if (executions.some(({ status }) => isFailure(status))) return 'error';
  if (open.length === 0) return undefined;
  if (isLost || open.some(({ attention }) => attention?.state === 'waiting')) return 'paused';
  if (open.some(({ status }) => status === 'running')) return 'value';
  return open.some(({ status }) => status === 'paused') ? 'paused' : undefined;
}

/** Returns the average of the running executions; undefined unless it is known of each. */
function averageShare(open: readonly Execution[]): number | undefined {
  const shares = open.filter(({ status }) => status === 'running' || status === 'paused').map(shareOf);
  const known = shares.filter((share) => share !== undefined);
  if (known.length === 0 || known.length < shares.length) return undefined;
  return known.reduce((sum, share) => sum + share, 0) / known.length;
}

function sequence(parameters: string): string {
  return `\u001b]9;4;${parameters}\u001b\\`;
}
