/** Types of the part of blessed's program layer that is in use; @types/blessed covers the package's index only. */
declare module 'blessed/lib/program.js' {
  import type { EventEmitter } from 'node:events';
  import type { Readable, Writable } from 'node:stream';

  interface Key {
    /** `q`, `C-c`, `S-tab`... */
    full: string;
  }

  class Program extends EventEmitter {
    constructor(options: { input: Readable; output: Writable; tput: boolean });
    /** Output that a method would have written. */
    out(method: 'cursorUp' | 'cursorDown' | 'cursorCharAbsolute', cells: number): string;
    out(method: 'eraseInLine', what: 'right'): string;
    out(method: 'cursorPos', row: number, column: number): string;
    out(method: 'eraseInDisplay', what: 'below' | 'all'): string;
    out(method: 'setMode' | 'resetMode', mode: string): string;
    out(method: 'hideCursor' | 'showCursor'): string;
    on(event: 'keypress', listener: (character: string | undefined, key: Key) => void): this;
    on(event: 'resize', listener: () => void): this;
    destroy(): void;
  }

  export = Program;
}
