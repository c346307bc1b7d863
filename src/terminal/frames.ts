/** Draws frames of the box, and lines above it, at the current size of the terminal. */
import type { Clock } from '../core/base/clock.js';
import { Inline } from './inline.js';
import type { Pacer } from './pacer.js';
import type { Screen } from './screen.js';
import type { OutputStyle } from './style.js';
import { Taskbar } from './taskbar.js';
import type { Render, ViewSize, View } from './view.js';

export interface FramesOptions {
  output: NodeJS.WriteStream;
  screen: Screen;
  style: OutputStyle;
  view: () => View;
  render: Render;
  /** Requests a frame once the size has stayed the same for a while (debounce). */
  pacer: Pacer;
  clock: Clock;
}

/** Text buffered for the next frame; beyond this it is written at once. */
const MAX_WAITING_CHARS = 64 * 1024;

export class Frames {
  readonly #options: FramesOptions;
  readonly #inline: Inline;
  readonly #taskbar = new Taskbar();
  #size: ViewSize;
  #waiting: string[] = [];
  #waitingChars = 0;
  #isStopped = false;

  constructor(options: FramesOptions) {
    this.#options = options;
    this.#size = sizeOf(options.output);
    this.#inline = new Inline({ controls: options.screen.controls, size: this.#size });
  }

  /** Starts drawing. */
  start(): void {
    this.#isStopped = false;
  }

  /** Stops drawing until `start`, whatever replies of the terminal arrive. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Draws a frame; after a change of size only when the terminal has reported the position of the box. */
  draw(): void {
    if (this.#isStopped || this.#options.screen.isAsking) return;
    this.followSize();
    if (this.#inline.isDisplaced) this.#locate();
    else this.drawNow();
  }

  /** Draws a frame without waiting for a reply. */
  drawNow(): void {
    if (this.#isStopped) return;
    this.followSize();
    const { style, clock, render } = this.#options;
    const view = this.#options.view();
    const above = this.#waiting;
    this.#waiting = [];
    this.#waitingChars = 0;
    const frame = this.#inline.draw(render(view, this.#size, style), above);
    this.#write(frame + (style.taskbar ? this.#taskbar.update(view, clock.now()) : ''));
  }

  /** Prints lines above the box with the next frame. */
  print(lines: readonly string[]): void {
    for (const line of lines) {
      this.#waiting.push(line);
      this.#waitingChars += line.length;
      // draws without a reply rather than buffer without a bound
      if (this.#waitingChars > MAX_WAITING_CHARS) this.drawNow();
    }
  }

  /** Replaces the box with lines. */
  replace(lines: readonly string[]): void {
    this.followSize();
    this.#write(this.#inline.erase() + linesToBytes(lines));
  }

  /** Leaves the box, and writes lines below it; a next box begins below them. */
  leave(lines: readonly string[] = []): void {
    this.stepBelow();
    this.#inline.forget();
    this.#write(linesToBytes(lines));
  }

  /** Removes the progress in the taskbar until the next frame. */
  clearTaskbar(): void {
    this.#write(this.#taskbar.clear());
  }

  /** Moves the cursor below the box, which can still be replaced. */
  stepBelow(): void {
    this.#write(this.#inline.stepBelow());
  }

  /** Records every width, since the narrowest one says how far lines were cut. */
  followSize(): void {
    const now = sizeOf(this.#options.output);
    if (now.columns !== this.#size.columns || now.rows !== this.#size.rows) this.#inline.resize(now);
    this.#size = now;
  }

  /** Calls back when the position of the box is known and no reply is pending. */
  whenLocated(then: () => void): void {
    const { screen } = this.#options;
    if (!this.#isStopped && !screen.isAsking) {
      this.followSize();
      if (this.#inline.isDisplaced) this.#locate();
    }
    screen.whenIdle(then);
  }

  /** Queries the position of the cursor, then draws. */
  #locate(): void {
    const { screen, output, pacer } = this.#options;
    const asked = this.#size;
    screen.ask((report) => {
      const { columns, rows } = sizeOf(output);
      // resized before or after the reply: queries again
      if (report !== undefined && (columns !== asked.columns || rows !== asked.rows)) pacer.settle();
      else {
        this.#inline.locate(report);
        this.draw();
      }
    });
  }

  #write(bytes: string): void {
    const { output } = this.#options;
    if (bytes !== '' && output.writable) output.write(bytes);
  }
}

function linesToBytes(lines: readonly string[]): string {
  return lines.map((line) => `${line}\r\n`).join('');
}

function sizeOf({ columns, rows }: NodeJS.WriteStream): ViewSize {
  return { columns, rows };
}
