/** The full screen on a terminal: alternate screen, keys, mouse, frames, suspension. */
import { constants } from 'node:os';
import type { Clock } from '../../core/base/clock.js';
import { realClock } from '../../core/base/clock.js';
import type { ExecutionEvent } from '../../core/events/event.js';
import { onSignal } from '../../platform/inherited.js';
import { absorbErrors, listen } from '../listen.js';
import { createPacer } from '../pacer.js';
import type { Pacer } from '../pacer.js';
import { openScreen } from '../screen.js';
import type { Screen } from '../screen.js';
import type { OutputStyle } from '../style.js';
import { FullScreen } from './full-screen.js';
import { MOUSE_MODES, MouseReader } from './mouse.js';
import type { TuiSource } from './page.js';
import { Tui } from './tui.js';

/** How the full screen was left. `closed`: the terminal is gone. */
export type TuiExit = 'q' | 'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'closed';

export interface TuiSessionOptions {
  input: NodeJS.ReadStream;
  output: NodeJS.WriteStream;
  style: OutputStyle;
  source: TuiSource;
  /** Report the mouse to the program, which takes selecting text away from the terminal. */
  mouse: boolean;
  /** Ring the bell for what has ended or needs a person. */
  bell: boolean;
  /** Execution to open above the list. */
  open?: string;
  clock?: Clock;
}

const BELL = '\u0007';
const ALTERNATE_SCREEN = '?1049';
const SECOND_MS = 1_000;
/** Time for a stop signal to take effect; without job control the program continues after it. */
const STOP_MS = 100;
const SIGNALS = ['SIGTERM', 'SIGHUP', 'SIGINT'] as const;

export class TuiSession {
  /** Resolves when the user leaves or the terminal is lost; the terminal is then as it was before. */
  readonly left: Promise<TuiExit>;
  readonly #options: TuiSessionOptions;
  readonly #screen: Screen;
  readonly #frames: FullScreen;
  readonly #pacer: Pacer;
  readonly #tui: Tui;
  readonly #unlisten: (() => void)[];
  #isMouseOn: boolean;
  /** `lent`: another program uses the terminal. */
  #state: 'open' | 'stopped' | 'lent' | 'left' = 'open';
  #ignoreStop = (): void => {};
  #resolveLeft: (how: TuiExit) => void = () => {};

  constructor(options: TuiSessionOptions) {
    const { input, output, style, source, mouse, open, clock = realClock } = options;
    this.#options = options;
    this.#isMouseOn = mouse;
    this.left = new Promise((resolve) => (this.#resolveLeft = resolve));
    const reader = new MouseReader((event) => this.#tui.onMouse(event));
    this.#screen = openScreen({
      input,
      output,
      sync: style.sync,
      clock,
      onKey: (key) => (key === 'C-z' ? this.#stop(0) : this.#tui.onKey(key)),
      onResize: () => this.#pacer.settle(),
      filterInput: (text) => reader.filter(text),
    });
    this.#frames = new FullScreen(this.#screen.controls);
    this.#pacer = createPacer(
      () => this.#draw(),
      () => this.#untilTick(),
      clock,
    );
    this.#tui = new Tui({
      source,
      onChange: () => this.changed(),
      onQuit: () => this.#leave('q'),
      copy: (text) => this.#write(copySequence(text)),
      onMouseToggle: (isOn) => this.#setMouse(isOn),
      ring: () => options.bell && this.#write(BELL),
      leaveFor: (program) => this.#leaveFor(program),
    });
    if (open !== undefined) this.#tui.openExecution(open);
    this.#unlisten = this.#listen();
    this.#enter();
  }

  /** Draws a frame soon. */
  changed(): void {
    if (this.#state === 'open') this.#pacer.changed();
  }

  /** Reports what has ended or needs a person. */
  onEvents(events: readonly ExecutionEvent[]): void {
    if (this.#state === 'open') this.#tui.onEvents(events);
  }

  close(): void {
    this.#leave('q');
  }

  #listen(): (() => void)[] {
    const { input, output } = this.#options;
    const lose = (): void => this.#leave('closed');
    const restore = (): void => this.#restore();
    for (const stream of [input, output]) absorbErrors(stream);
    return [
      ...[input, output].map((stream) => listen(stream, 'error', lose)),
      ...SIGNALS.map((signal) => onSignal(signal, () => this.#leave(signal))),
      listen(process, 'SIGCONT', () => this.#continue()),
      listen(process, 'uncaughtExceptionMonitor', restore),
      listen(process, 'exit', restore),
      listen(output, 'close', lose),
      ...(input.isTTY ? [listen(input, 'end', lose)] : []),
    ];
  }

  #enter(): void {
    const { controls } = this.#screen;
    this.#state = 'open';
    this.#ignoreStop();
    this.#ignoreStop = onSignal('SIGTSTP', () => this.#stop(process.pid));
    this.#screen.enter();
    this.#write(controls.setMode(ALTERNATE_SCREEN));
    if (this.#isMouseOn) this.#writeMouseModes(true);
    this.#frames.invalidate();
    this.#pacer.changed();
  }

  #restore(): void {
    if (this.#state !== 'open') return;
    this.#writeMouseModes(false);
    this.#write(this.#screen.controls.resetMode(ALTERNATE_SCREEN));
    this.#screen.restore();
  }

  #draw(): void {
    if (this.#state !== 'open') return;
    const { output, style } = this.#options;
    const size = { columns: output.columns, rows: output.rows };
    this.#write(this.#frames.draw(this.#tui.lines(size, style), size));
  }

  /** Clocks move by the second while something is active; a notice disappears. */
  #untilTick(): number | undefined {
    const { source } = this.#options;
    const notice = this.#tui.untilNoticeEnds();
    const isActive =
      source.connection().state !== 'lost' && source.executions().some(({ status }) => status === 'running');
    return isActive ? Math.min(SECOND_MS, notice ?? SECOND_MS) : notice;
  }

  #setMouse(isOn: boolean): void {
    this.#isMouseOn = isOn;
    this.#writeMouseModes(isOn);
  }

  #writeMouseModes(isOn: boolean): void {
    const { controls } = this.#screen;
    this.#write(MOUSE_MODES.map((mode) => (isOn ? controls.setMode(mode) : controls.resetMode(mode))).join(''));
  }

  /** Restores the terminal and stops by the default of the signal; `target` 0 is the whole job. */
  #stop(target: number): void {
    if (this.#state !== 'open') return;
    this.#restore();
    this.#state = 'stopped';
    this.#pacer.stop();
    this.#ignoreStop();
    process.kill(target, 'SIGTSTP');
    setTimeout(() => this.#continue(), STOP_MS);
  }

  async #leaveFor(program: () => Promise<string>): Promise<string> {
    const { input } = this.#options;
    this.#restore();
    this.#state = 'lent';
    this.#pacer.stop();
    // the keys belong to the other program
    input.pause();
    try {
      return await program();
    } finally {
      input.resume();
      // the terminal may have been lost meanwhile
      if (this.#isLent) this.#enter();
      process.kill(process.pid, 'SIGWINCH');
    }
  }

  get #isLent(): boolean {
    return this.#state === 'lent';
  }

  #continue(): void {
    if (this.#state === 'left' || this.#state === 'lent') return;
    if (this.#state === 'stopped') this.#enter();
    else {
      // it was stopped without a chance to restore the terminal
      this.#screen.enter();
      this.#enter();
    }
    // the size may have changed meanwhile: Node asks for it again
    process.kill(process.pid, 'SIGWINCH');
  }

  #leave(how: TuiExit): void {
    if (this.#state === 'left') return;
    this.#restore();
    this.#state = 'left';
    this.#pacer.stop();
    this.#ignoreStop();
    for (const off of this.#unlisten.splice(0)) off();
    this.#screen.destroy();
    this.#resolveLeft(how);
  }

  #write(bytes: string): void {
    const { output } = this.#options;
    if (bytes !== '' && output.writable) output.write(bytes);
  }
}

export function tuiExitStatus(left: TuiExit): number {
  return left === 'q' || left === 'closed' ? 0 : 128 + constants.signals[left];
}

/** OSC 52: puts a text into the clipboard of the terminal, also over ssh. */
function copySequence(text: string): string {
  return `\u001b]52;c;${Buffer.from(text).toString('base64')}\u0007`;
}
