/** The box of a command, and the full screen that `t` opens: leaving that returns to the box. */
import { ProgressError } from '../../core/base/errors.js';
import type { Box, BoxOptions, Leaving } from '../../terminal/box.js';
import { openBox } from '../../terminal/box.js';
import type { OutputStyle } from '../../terminal/style.js';
import type { TuiExit } from '../../terminal/tui/session.js';
import type { View } from '../../terminal/view.js';
import type { CommandContext } from '../command.js';
import { printLines } from './output.js';

export interface BoxSessionOptions extends Pick<BoxOptions, 'onInterrupt' | 'onStop' | 'onContinue'> {
  context: CommandContext;
  style: OutputStyle;
  view: () => View;
  /** Execution that the full screen opens. */
  execution?: string;
}

export class BoxSession {
  readonly #options: BoxSessionOptions;
  #box: Box;
  /** The full screen is open in place of the box. */
  #isReplaced = false;

  constructor(options: BoxSessionOptions) {
    this.#options = options;
    this.#box = this.#open();
  }

  /** Whether the box is on the screen, and not the full screen. */
  get isShown(): boolean {
    return !this.#isReplaced;
  }

  changed(): void {
    if (!this.#isReplaced) this.#box.changed();
  }

  /** Prints lines above the box; the full screen shows what they say. */
  print(lines: readonly string[]): void {
    if (!this.#isReplaced) this.#box.print(lines);
  }

  /** Shows the box until the user leaves, or `ended` resolves. */
  async show<T>(ended: Promise<T>): Promise<Exclude<Leaving, 't'> | T> {
    for (;;) {
      const left = await Promise.race([this.#box.left, ended]);
      if (left !== 't') return left;
      this.#isReplaced = true;
      await this.#box.remove();
      const { exit, error } = await this.#showFullScreen();
      // Ctrl-C leaves the full screen alone
      if (exit !== 'q' && exit !== 'SIGINT') return exit;
      this.#box = this.#open();
      this.#isReplaced = false;
      if (error !== undefined) this.#box.print([`progress: ${error}`]);
    }
  }

  /** Replaces the box with these lines. */
  async close(finalLines: readonly string[] = []): Promise<void> {
    if (this.#isReplaced) await printLines(finalLines);
    else await this.#box.close(finalLines);
  }

  async #showFullScreen(): Promise<{ exit: TuiExit; error?: string }> {
    const { context, execution } = this.#options;
    try {
      const { showFullScreen } = await import('../commands/tui.js');
      return {
        exit: await showFullScreen(context, {
          ...(execution !== undefined && { id: execution }),
          mouse: true,
          bell: true,
        }),
      };
    } catch (error) {
      return { exit: 'q', error: ProgressError.from(error).message };
    }
  }

  #open(): Box {
    const { context: _context, execution: _execution, ...options } = this.#options;
    const { stdin: input, stdout: output } = process;
    return openBox({ input, output, hasFullScreen: true, ...options });
  }
}
