/** Reads reports of the mouse in SGR coding (mode 1006) and takes them out of the input. */
import type { MouseInput } from './tui.js';

/** Modes that report clicks and the wheel: buttons, SGR coding. */
export const MOUSE_MODES = ['?1000', '?1006'] as const;
const WHEEL_LINES = 3;
const ESC = '\u001b';
/** Beginning of a report whose rest is still to come. */
const PARTIAL = new RegExp(`${ESC}\\[<[\\d;]*$`);
const REPORT = new RegExp(`${ESC}\\[<(\\d+);(\\d+);(\\d+)([Mm])`, 'g');

export class MouseReader {
  readonly #onMouse: (input: MouseInput) => void;
  #partial = '';

  constructor(onMouse: (input: MouseInput) => void) {
    this.#onMouse = onMouse;
  }

  /** @returns the input without reports */
  filter(text: string): string {
    const whole = this.#partial + text;
    this.#partial = PARTIAL.exec(whole)?.[0] ?? '';
    const complete = this.#partial === '' ? whole : whole.slice(0, -this.#partial.length);
    return complete.replace(REPORT, (_report, button: string, column: string, row: string, end: string) => {
      this.#report(Number(button), Number(column) - 1, Number(row) - 1, end === 'M');
      return '';
    });
  }

  #report(button: number, column: number, row: number, isPressed: boolean): void {
    if (!isPressed) return;
    if (button === 0) this.#onMouse({ row, column, delta: 0 });
    if (button === 64) this.#onMouse({ row, column, delta: -WHEEL_LINES });
    if (button === 65) this.#onMouse({ row, column, delta: WHEEL_LINES });
  }
}
