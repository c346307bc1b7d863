/**
 * The terminal itself: sequences, keys and modes, by blessed's program layer alone. Its widgets draw on the alternate
 * screen, which would take the scrollback away. Its terminfo reader stays off: it does not know the format that ncurses
 * writes since 6.1, and tells so on stderr, in the middle of the screen; without it blessed writes ECMA-48, which every
 * terminal that is not `dumb` understands.
 */
import { PassThrough } from 'node:stream';
import Program from 'blessed/lib/program.js';
import type { Clock } from '../core/clock.js';
import { CursorQuery } from './cursor-query.js';
import type { BoxControls } from './inline.js';
import type { CursorReport } from './rewrap.js';

export interface Screen {
  controls: BoxControls;
  /** Asks where the cursor is; without a report where the terminal does not answer in time. */
  ask(onReport: (report: CursorReport | undefined) => void): void;
  readonly isAsking: boolean;
  /** Calls back when no answer is on its way, which the next program would read as keys. */
  whenIdle(then: () => void): void;
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
  clock: Clock;
}

const AUTOWRAP = '?7';
const SYNCHRONIZED = '?2026';

export function openScreen({ input, output, sync, onKey, onResize, clock }: ScreenOptions): Screen {
  const keys = new PassThrough();
  const program = new Program({ input: keys, output, tput: false });
  const query = new CursorQuery({
    write: (bytes) => write(output, bytes),
    onKeys: (text) => keys.write(Buffer.from(text, 'latin1')),
    clock,
  });
  const hideCursor = program.out('hideCursor');
  const showCursor = program.out('showCursor');
  const onInput = (bytes: Buffer): void => query.receive(bytes.toString('latin1'));
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

  // what is no terminal has no keys, and its bytes belong to somebody else
  if (input.isTTY) input.on('data', onInput);
  program.on('keypress', (_character, key) => onKey(key.full));
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

function controlsOf(program: Program, sync: boolean): BoxControls {
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
