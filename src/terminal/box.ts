/** The in-place box: shows a view in the terminal, inline, until it is closed or left. */
import type { Clock } from '../core/clock.js';
import { realClock } from '../core/clock.js';
import { onSignal } from '../inherited.js';
import { Inline } from './inline.js';
import type { Pacer } from './pacer.js';
import { createPacer } from './pacer.js';
import type { Screen } from './screen.js';
import { openScreen } from './screen.js';
import type { OutputStyle } from './style.js';
import { leavingLine } from './summary.js';
import type { Size, View } from './view.js';
import { boxLines, untilTick } from './view.js';

/** How the box was left. With a signal the caller exits with 128 + its number. `closed`: the terminal is gone. */
export type Leaving = 'q' | 'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'closed';

export interface BoxOptions {
  input: NodeJS.ReadStream;
  output: NodeJS.WriteStream;
  style: OutputStyle;
  /** What to show now; asked for each frame. */
  view: () => View;
  /** What Ctrl-C and SIGINT do instead of leaving, for whoever runs what is shown. */
  onInterrupt?: () => void;
  clock?: Clock;
}

export interface Box {
  /** Something may look different: there will be a frame soon. */
  changed(): void;
  /** Puts lines above the box, into the scrollback. They are written as they are: make them safe first. */
  print(lines: readonly string[]): void;
  /** Takes the box away and leaves these lines instead, and one that says what still runs. */
  close(finalLines?: readonly string[]): Promise<void>;
  /** The terminal is as it was before; the last frame stands until `close`. Never settles if nobody leaves. */
  left: Promise<Leaving>;
}

/** Text that waits for the next frame; beyond this it is written at once. */
const MAX_WAITING_CHARS = 64 * 1024;
/** How long a stop may take to reach us. Where nothing can be stopped (no job control) we go on after it. */
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
  readonly #inline: Inline;
  readonly #pacer: Pacer;
  readonly #unlisten: (() => void)[];
  #state: 'open' | 'stopped' | 'left' | 'closed' = 'open';
  /** Waits for the terminal before it is left, closed or stopped. */
  #isEnding = false;
  #size: Size;
  #waiting: string[] = [];
  #waitingChars = 0;
  #continuedAt = -Infinity;
  #ignoreStop = (): void => {};
  #resolveLeft: (how: Leaving) => void = () => {};
  #closed: Promise<void> | undefined;

  constructor(options: BoxOptions) {
    const { input, output, style, view, clock = realClock } = options;
    this.#options = options;
    this.#clock = clock;
    this.#size = sizeOf(output);
    this.left = new Promise((resolve) => (this.#resolveLeft = resolve));
    this.#screen = openScreen({
      input,
      output,
      sync: style.sync,
      onKey: (name) => this.#onKey(name),
      onResize: () => this.#onResize(),
      clock,
    });
    this.#inline = new Inline({ controls: this.#screen.controls, size: this.#size });
    this.#pacer = createPacer(
      () => this.#draw(),
      () => untilTick(view()),
      clock,
    );
    this.#unlisten = this.#listen();
    this.#begin();
  }

  changed(): void {
    if (this.#state === 'open') this.#pacer.changed();
  }

  print(lines: readonly string[]): void {
    if (this.#state === 'left' || this.#state === 'closed') {
      this.#write(this.#inline.stepBelow());
      this.#inline.forget();
      this.#write(linesToBytes(lines));
      return;
    }
    for (const line of lines) {
      this.#waiting.push(line);
      this.#waitingChars += line.length;
      // rather than to wait for an answer of the terminal with so much in memory, go without
      if (this.#waitingChars > MAX_WAITING_CHARS) this.#drawNow();
    }
    this.changed();
  }

  close(finalLines: readonly string[] = []): Promise<void> {
    this.#closed ??= new Promise((resolve) =>
      this.#whenLocated(() => {
        this.#drawNow();
        this.#followSize();
        this.#state = 'closed';
        this.#release();
        const goesOn = leavingLine(this.#options.view().executions);
        const lines = goesOn === undefined ? finalLines : [...finalLines, goesOn];
        this.#write(this.#inline.erase() + linesToBytes(lines));
        resolve();
      }),
    );
    return this.#closed;
  }

  #listen(): (() => void)[] {
    const { input, output } = this.#options;
    const restore = (): void => this.#restore();
    // these stay: a terminal that is gone may say so after we have left it
    for (const stream of [input, output]) stream.on('error', () => this.#lose());
    return [
      ...SIGNALS.map((signal) => onSignal(signal, () => this.#take(signal))),
      listen(process, 'SIGCONT', () => this.#onContinue()),
      // a stack trace is printed after this: the terminal must be itself again
      listen(process, 'uncaughtExceptionMonitor', restore),
      listen(process, 'exit', restore),
      listen(output, 'close', () => this.#lose()),
      ...(input.isTTY ? [listen(input, 'end', () => this.#lose())] : []),
    ];
  }

  #begin(): void {
    this.#state = 'open';
    this.#isEnding = false;
    this.#ignoreStop = onSignal('SIGTSTP', () => this.#stop(process.pid));
    this.#screen.enter();
    this.#pacer.changed();
  }

  #onKey(name: string): void {
    if (name === 'q') this.#leave('q');
    if (name === 'C-c') this.#take('SIGINT');
    // as the terminal itself would: the whole job stops, not this process alone
    if (name === 'C-z') this.#stop(0);
  }

  #onResize(): void {
    if (this.#state !== 'open') return;
    // each width counts, since the narrowest one says how far lines have been cut
    this.#followSize();
    this.#pacer.settle();
  }

  #take(signal: Signal): void {
    const { onInterrupt } = this.#options;
    if (signal === 'SIGINT' && onInterrupt) onInterrupt();
    else this.#leave(signal);
  }

  #write(bytes: string): void {
    const { output } = this.#options;
    if (bytes !== '' && output.writable) output.write(bytes);
  }

  #draw(): void {
    if (this.#state !== 'open' || this.#screen.isAsking) return;
    this.#followSize();
    if (this.#inline.isDisplaced) this.#locate();
    else this.#drawNow();
  }

  #drawNow(): void {
    if (this.#state !== 'open') return;
    this.#followSize();
    const above = this.#waiting;
    this.#waiting = [];
    this.#waitingChars = 0;
    this.#write(this.#inline.draw(boxLines(this.#options.view(), this.#size, this.#options.style), above));
  }

  /** Asks the terminal where the cursor is, and draws with the answer. */
  #locate(): void {
    const asked = this.#size;
    this.#screen.ask((report) => {
      // resized meanwhile, before or after the answer: it is asked again
      const { columns, rows } = sizeOf(this.#options.output);
      if (report !== undefined && (columns !== asked.columns || rows !== asked.rows)) this.#pacer.settle();
      else {
        this.#inline.locate(report);
        this.#draw();
      }
    });
  }

  #followSize(): void {
    const now = sizeOf(this.#options.output);
    if (now.columns !== this.#size.columns || now.rows !== this.#size.rows) this.#inline.resize(now);
    this.#size = now;
  }

  /** Calls back when the rows of the box are known, and no answer is left that the next program would read. */
  #whenLocated(then: () => void): void {
    this.#isEnding = true;
    if (this.#state === 'open' && !this.#screen.isAsking) {
      this.#followSize();
      if (this.#inline.isDisplaced) this.#locate();
    }
    this.#screen.whenIdle(then);
  }

  /** The signal's default does the stopping, so that nothing happens where nobody could let us go on. */
  #stop(target: number): void {
    if (this.#state !== 'open' || this.#isEnding) return;
    this.#whenLocated(() => {
      if (this.#state !== 'open') return;
      this.#state = 'stopped';
      this.#pacer.stop();
      this.#followSize();
      this.#write(this.#inline.erase());
      this.#screen.restore();
      this.#ignoreStop();
      process.kill(target, 'SIGTSTP');
      setTimeout(() => this.#goOn(), STOP_MS);
    });
  }

  #goOn(): void {
    if (this.#state !== 'stopped') return;
    this.#continuedAt = this.#clock.now();
    this.#begin();
    // the size may have changed while we could not hear of it: this makes Node ask again
    process.kill(process.pid, 'SIGWINCH');
  }

  /** Stopped by somebody else (SIGSTOP), we had no chance to take the block away: a new one begins below. */
  #onContinue(): void {
    this.#goOn();
    if (this.#state !== 'open' || this.#clock.now() - this.#continuedAt < STOP_MS) return;
    this.#continuedAt = this.#clock.now();
    this.#write(this.#inline.stepBelow());
    this.#inline.forget();
    this.#screen.enter();
    this.#pacer.changed();
  }

  #leave(how: Leaving): void {
    if (this.#state === 'left' || this.#state === 'closed' || this.#isEnding) return;
    this.#whenLocated(() => this.#leaveNow(how));
  }

  /** The terminal is gone and answers nothing. */
  #lose(): void {
    this.#leaveNow('closed');
  }

  #leaveNow(how: Leaving): void {
    if (this.#state === 'left' || this.#state === 'closed') return;
    this.#drawNow();
    this.#state = 'left';
    this.#release();
    this.#resolveLeft(how);
  }

  #release(): void {
    this.#pacer.stop();
    this.#ignoreStop();
    for (const off of this.#unlisten.splice(0)) off();
    this.#write(this.#inline.stepBelow());
    this.#screen.destroy();
  }

  #restore(): void {
    if (this.#state === 'open') this.#write(this.#inline.stepBelow());
    this.#screen.restore();
  }
}

function linesToBytes(lines: readonly string[]): string {
  return lines.map((line) => `${line}\r\n`).join('');
}

function sizeOf({ columns, rows }: NodeJS.WriteStream): Size {
  return { columns, rows };
}

/** Returns what takes the listener away again. */
function listen(emitter: NodeJS.EventEmitter, event: string, listener: () => void): () => void {
  emitter.on(event, listener);
  return () => emitter.off(event, listener);
}
