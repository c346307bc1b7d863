/**
 * The terminal itself: sequences, keys and modes, by blessed's program layer alone. Its widgets draw on the alternate
 * screen, which would take the scrollback away. Its terminfo reader stays off: it does not know the format that ncurses
 * writes since 6.1, and tells so on stderr, in the middle of the screen; without it blessed writes ECMA-48, which every
 * terminal that is not `dumb` understands.
 */
import { PassThrough } from 'node:stream';
import Program from 'blessed/lib/program.js';
import type { Controls } from './inline.js';

export interface Screen {
  controls: Controls;
  /** Takes keys and hides the cursor. */
  enter(): void;
  /** Gives both back; the next program finds the terminal as it was. */
  restore(): void;
  /** The end: `restore`, and no more keys or sizes. */
  destroy(): void;
}

export interface ScreenOptions {
  input: NodeJS.ReadStream;
  output: NodeJS.WriteStream;
  /** Bracket frames as synchronized output? */
  sync: boolean;
  onKey: (name: string) => void;
  onResize: () => void;
}

const AUTOWRAP = '?7';
const SYNCHRONIZED = '?2026';

export function openScreen({ input, output, sync, onKey, onResize }: ScreenOptions): Screen {
  // what is no terminal has no keys, and its bytes belong to somebody else
  const keys = input.isTTY ? input : new PassThrough();
  const program = new Program({ input: keys, output, tput: false });
  const hideCursor = program.out('hideCursor');
  const showCursor = program.out('showCursor');
  const setRaw = (raw: boolean): void => {
    if (input.isTTY && !input.destroyed) input.setRawMode(raw);
  };
  let entered = false;

  const enter = (): void => {
    // off and on again: whoever stopped us may have changed the modes behind our back
    setRaw(false);
    setRaw(true);
    write(output, hideCursor);
    entered = true;
  };
  const restore = (): void => {
    if (!entered) return;
    entered = false;
    write(output, showCursor);
    setRaw(false);
  };

  program.on('keypress', (_character, key) => onKey(key.full));
  program.on('resize', onResize);
  return {
    controls: controlsOf(program, sync),
    enter,
    restore,
    destroy() {
      restore();
      program.destroy();
    },
  };
}

function controlsOf(program: Program, sync: boolean): Controls {
  return {
    up: (rows) => program.out('cursorUp', rows),
    down: (rows) => program.out('cursorDown', rows),
    column: (column) => program.out('cursorCharAbsolute', column),
    eraseRight: program.out('eraseInLine', 'right'),
    eraseBelow: program.out('eraseInDisplay', 'below'),
    wrapOff: program.out('resetMode', AUTOWRAP),
    wrapOn: program.out('setMode', AUTOWRAP),
    syncBegin: sync ? program.out('setMode', SYNCHRONIZED) : '',
    syncEnd: sync ? program.out('resetMode', SYNCHRONIZED) : '',
  };
}

function write(output: NodeJS.WriteStream, bytes: string): void {
  if (output.writable) output.write(bytes);
}
