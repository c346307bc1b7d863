/**
 * Terminal access: sequences, keys and modes, through blessed's program layer alone. Its widgets draw on the alternate
 * screen, which has no scrollback. Its terminfo reader stays off: it does not know the format that ncurses has written
 * since 6.1, and prints an error to stderr in the middle of the screen. Without it blessed writes ECMA-48, which every
 * terminal except `dumb` understands.
 */
import { PassThrough } from 'node:stream';
import Program from 'blessed/lib/program.js';
import type { Clock } from '../core/base/clock.js';
import { CursorQuery } from './cursor-query.js';
import type { BoxControls } from './inline.js';
import type { FullScreenControls } from './tui/full-screen.js';
import type { CursorReport } from './rewrap.js';

export interface Screen {
  controls: ScreenControls;
  /** Queries the position of the cursor; without a report if the terminal does not reply in time. */
  ask(onReport: (report: CursorReport | undefined) => void): void;
  readonly isAsking: boolean;
  /** Calls back when no reply is pending, which the next program would read as keys. */
  whenIdle(then: () => void): void;
  /** Takes over keys and hides the cursor. */
  enter(): void;
  /** Returns keys and cursor to the next program. */
  restore(): void;
  /** Restores the terminal, and ends events of keys and sizes. */
  destroy(): void;
}

export interface ScreenControls extends BoxControls, FullScreenControls {
  /** Private modes, such as `?1049`. */
  setMode(mode: string): string;
  resetMode(mode: string): string;
}

export interface ScreenOptions {
  input: NodeJS.ReadStream;
  output: NodeJS.WriteStream;
  /** Whether frames are bracketed as synchronized output. */
  sync: boolean;
  onKey: (name: string) => void;
  onResize: () => void;
  clock: Clock;
  /** Takes what is no key out of the input, such as reports of the mouse. */
  filterInput?: (text: string) => string;
}

const AUTOWRAP = '?7';
const SYNCHRONIZED = '?2026';

export function openScreen(options: ScreenOptions): Screen {
  const { input, output, sync, onKey, onResize, clock, filterInput = (text) => text } = options;
  const keys = new PassThrough();
  const program = new Program({ input: keys, output, tput: false });
  const query = new CursorQuery({
    write: (bytes) => write(output, bytes),
    onKeys: (text) => keys.write(Buffer.from(text, 'latin1')),
    clock,
  });
  const hideCursor = program.out('hideCursor');
  const showCursor = program.out('showCursor');
  const onInput = (bytes: Buffer): void => query.receive(filterInput(bytes.toString('latin1')));
  const setRaw = (raw: boolean): void => {
    if (input.isTTY && !input.destroyed) input.setRawMode(raw);
  };
  let entered = false;

  const enter = (): void => {
    // off and on again: the program that ran meanwhile may have changed the modes
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

  // input that is no terminal has no keys, and its bytes belong to another reader
  // an earlier screen has paused it
  if (input.isTTY) input.on('data', onInput).resume();
  program.on('keypress', (character, key) => {
    // blessed reports the key of a line end twice, as `enter` and as `return`; the second would undo what the first did
    if (key.full !== 'return') onKey(keyName(character, key.full));
  });
  program.on('resize', onResize);
  return {
    controls: controlsOf(program, sync),
    ask: (onReport) => (input.isTTY && entered ? query.ask(onReport) : onReport(undefined)),
    get isAsking() {
      return query.isAsking;
    },
    whenIdle: (then) => query.whenIdle(then),
    enter,
    restore,
    destroy() {
      query.close();
      restore();
      program.destroy();
      input.off('data', onInput);
      if (input.isTTY && !input.destroyed) input.pause();
    },
  };
}

/** Names a key by its character, if it has one that is visible: `G`, `/`; else as blessed does: `C-c`, `pageup`. */
function keyName(character: string | undefined, full: string): string {
  if (character === ' ') return 'space';
  return character !== undefined && character > ' ' && character !== '\u007f' && !full.startsWith('C-')
    ? character
    : full;
}

function controlsOf(program: Program, sync: boolean): ScreenControls {
  return {
    position: (row, column) => program.out('cursorPos', row, column),
    up: (rows) => program.out('cursorUp', rows),
    down: (rows) => program.out('cursorDown', rows),
    column: (column) => program.out('cursorCharAbsolute', column),
    eraseRight: program.out('eraseInLine', 'right'),
    eraseBelow: program.out('eraseInDisplay', 'below'),
    eraseAll: program.out('eraseInDisplay', 'all'),
    setMode: (mode) => program.out('setMode', mode),
    resetMode: (mode) => program.out('resetMode', mode),
    wrapOff: program.out('resetMode', AUTOWRAP),
    wrapOn: program.out('setMode', AUTOWRAP),
    syncBegin: sync ? program.out('setMode', SYNCHRONIZED) : '',
    syncEnd: sync ? program.out('resetMode', SYNCHRONIZED) : '',
  };
}

function write(output: NodeJS.WriteStream, bytes: string): void {
  if (output.writable) output.write(bytes);
}
