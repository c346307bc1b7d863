/** The in-place box: shows a view inline in the terminal until it is closed or left. */
import type { Clock } from '../core/base/clock.js';
import { realClock } from '../core/base/clock.js';
import { onSignal } from '../platform/inherited.js';
import { Frames } from './frames.js';
import { absorbErrors, listen } from './listen.js';
import type { Pacer } from './pacer.js';
import { createPacer } from './pacer.js';
import type { Screen } from './screen.js';
import { openScreen } from './screen.js';
import type { OutputStyle } from './style.js';
import { leavingLine } from './summary.js';
import type { Render, View } from './view.js';
import { boxLines, untilTick } from './view.js';

/** How the box was left. After a signal the caller exits with 128 + its number. `closed`: the terminal was closed. */
export type Leaving = 'q' | 't' | 'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'closed';

export interface BoxOptions {
  /** `t` leaves the box for the full screen. */
  hasFullScreen?: boolean;
  input: NodeJS.ReadStream;
  output: NodeJS.WriteStream;
  style: OutputStyle;
  /** Returns the current view; called for each frame. */
  view: () => View;
  /** Renders the view. @default boxLines */
  render?: Render;
  /** Milliseconds until the passing of time alone changes what is rendered. @default as for `boxLines` */
  untilTick?: (view: View) => number | undefined;
  /** Called for Ctrl-C and SIGINT instead of leaving, by the owner of the run that is shown. */
  onInterrupt?: () => void;
  /** Called before this process stops by Ctrl-Z, and when it continues. */
  onStop?: () => void;
  onContinue?: () => void;
  clock?: Clock;
}

export interface Box {
  /** Requests a frame because the view may have changed. */
  changed(): void;
  /** Prints lines above the box, into the scrollback. They are not sanitized. */
  print(lines: readonly string[]): void;
  /** Replaces the box with these lines, and one that counts what still runs. */
  close(finalLines?: readonly string[]): Promise<void>;
  /** Removes the box without a trace, for another face that takes its place. */
  remove(): Promise<void>;
  /** Resolves when the terminal is restored; the last frame stays until `close`. Never settles if no user leaves. */
  left: Promise<Leaving>;
}

/** Timeout for a stop to take effect. Without job control this process continues after it. */
const STOP_MS = 100;

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
type Signal = (typeof SIGNALS)[number];

export function openBox(options: BoxOptions): Box {
  return new InlineBox(options);
}

class InlineBox implements Box {
  readonly left: Promise<Leaving>;
  readonly #options: BoxOptions;
  readonly #clock: Clock;
  readonly #screen: Screen;
  readonly #frames: Frames;
  readonly #pacer: Pacer;
  readonly #unlisten: (() => void)[];
  #state: 'open' | 'stopped' | 'left' | 'closed' = 'open';
  /** Waits for replies of the terminal before the box is left, closed or stopped. */
  #isEnding = false;
  #continuedAt = -Infinity;
  #ignoreStop = (): void => {};
  #resolveLeft: (how: Leaving) => void = () => {};
  #closed: Promise<void> | undefined;

  constructor(options: BoxOptions) {
    const { input, output, style, view, clock = realClock, untilTick: tick = untilTick, render = boxLines } = options;
    this.#options = options;
    this.#clock = clock;
    this.left = new Promise((resolve) => (this.#resolveLeft = resolve));
    this.#screen = openScreen({
      input,
      output,
      sync: style.sync,
      onKey: (name) => this.#onKey(name),
      onResize: () => this.#onResize(),
      clock,
    });
    this.#pacer = createPacer(
      () => this.#frames.draw(),
      () => tick(view()),
      clock,
    );
    this.#frames = new Frames({ output, screen: this.#screen, style, view, render, pacer: this.#pacer, clock });
    this.#unlisten = this.#listen();
    this.#begin();
  }

  changed(): void {
    if (this.#state === 'open') this.#pacer.changed();
  }

  print(lines: readonly string[]): void {
    if (this.#state === 'left' || this.#state === 'closed') return this.#frames.leave(lines);
    this.#frames.print(lines);
    this.changed();
  }

  close(finalLines: readonly string[] = []): Promise<void> {
    return this.#end(() => {
      const goesOn = leavingLine(this.#options.view().executions);
      return goesOn === undefined ? finalLines : [...finalLines, goesOn];
    });
  }

  remove(): Promise<void> {
    return this.#end(() => []);
  }

  #end(lines: () => readonly string[]): Promise<void> {
    this.#isEnding = true;
    this.#closed ??= new Promise((resolve) =>
      this.#frames.whenLocated(() => {
        this.#frames.drawNow();
        this.#state = 'closed';
        this.#release();
        this.#frames.replace(lines());
        resolve();
      }),
    );
    return this.#closed;
  }

  #listen(): (() => void)[] {
    const { input, output } = this.#options;
    const lose = (): void => this.#leaveNow('closed');
    const restore = (): void => this.#restore();
    for (const stream of [input, output]) absorbErrors(stream);
    return [
      ...[input, output].map((stream) => listen(stream, 'error', lose)),
      ...SIGNALS.map((signal) => onSignal(signal, () => this.#take(signal))),
      listen(process, 'SIGCONT', () => this.#onContinue()),
      // restores the terminal before a stack trace is printed
      listen(process, 'uncaughtExceptionMonitor', restore),
      listen(process, 'exit', restore),
      listen(output, 'close', lose),
      ...(input.isTTY ? [listen(input, 'end', lose)] : []),
    ];
  }

  #begin(): void {
    this.#state = 'open';
    this.#isEnding = false;
    this.#ignoreStop = onSignal('SIGTSTP', () => this.#stop(process.pid));
    this.#frames.start();
    this.#screen.enter();
    this.#pacer.changed();
  }

  #onKey(name: string): void {
    if (name === 'q') this.#leave('q');
    if (name === 't' && this.#options.hasFullScreen) this.#leave('t');
    if (name === 'C-c') this.#take('SIGINT');
    // stops the whole job, as the terminal would
    if (name === 'C-z') this.#stop(0);
  }

  #onResize(): void {
    if (this.#state !== 'open') return;
    this.#frames.followSize();
    this.#pacer.settle();
  }

  #take(signal: Signal): void {
    const { onInterrupt } = this.#options;
    if (signal === 'SIGINT' && onInterrupt) onInterrupt();
    else this.#leave(signal);
  }

  /** Stops by the signal's default action, so that nothing happens without job control. */
  #stop(target: number): void {
    if (this.#state !== 'open' || this.#isEnding) return;
    this.#isEnding = true;
    this.#frames.whenLocated(() => {
      if (this.#state !== 'open') return;
      this.#state = 'stopped';
      this.#pacer.stop();
      this.#frames.replace([]);
      this.#frames.clearTaskbar();
      this.#frames.stop();
      this.#screen.restore();
      this.#ignoreStop();
      this.#options.onStop?.();
      process.kill(target, 'SIGTSTP');
      setTimeout(() => this.#goOn(), STOP_MS);
    });
  }

  #goOn(): void {
    if (this.#state !== 'stopped') return;
    this.#continuedAt = this.#clock.now();
    this.#options.onContinue?.();
    this.#begin();
    // the size may have changed while this process was stopped: makes Node query it
    process.kill(process.pid, 'SIGWINCH');
  }

  /** After SIGSTOP, which allows no cleanup: a new block begins below the old one. */
  #onContinue(): void {
    this.#goOn();
    if (this.#state !== 'open' || this.#clock.now() - this.#continuedAt < STOP_MS) return;
    this.#continuedAt = this.#clock.now();
    this.#frames.leave();
    this.#screen.enter();
    this.#pacer.changed();
  }

  #leave(how: Leaving): void {
    if (this.#state === 'left' || this.#state === 'closed' || this.#isEnding) return;
    this.#isEnding = true;
    this.#frames.whenLocated(() => this.#leaveNow(how));
  }

  #leaveNow(how: Leaving): void {
    if (this.#state === 'left' || this.#state === 'closed') return;
    this.#frames.drawNow();
    this.#state = 'left';
    this.#release();
    this.#resolveLeft(how);
  }

  #release(): void {
    this.#pacer.stop();
    this.#frames.stop();
    this.#ignoreStop();
    for (const off of this.#unlisten.splice(0)) off();
    this.#frames.stepBelow();
    this.#frames.clearTaskbar();
    this.#screen.destroy();
  }

  #restore(): void {
    if (this.#state === 'open') this.#frames.stepBelow();
    this.#frames.clearTaskbar();
    this.#screen.restore();
  }
}
