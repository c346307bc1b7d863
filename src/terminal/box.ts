/** The in-place box: shows a view in the terminal, inline, until it is closed or left. */
import type { Clock } from '../core/clock.js';
import { realClock } from '../core/clock.js';
import { onSignal } from '../inherited.js';
import { createInline } from './inline.js';
import { createPacer } from './pacer.js';
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
  close(finalLines?: readonly string[]): void;
  /** The terminal is as it was before; the last frame stands until `close`. Never settles if nobody leaves. */
  left: Promise<Leaving>;
}

/** Text that waits for the next frame; beyond this it is written at once. */
const MAX_WAITING_CHARS = 64 * 1024;
/** How long a stop may take to reach us. Where nothing can be stopped (no job control) we go on after it. */
const STOP_MS = 100;

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
type Signal = (typeof SIGNALS)[number];

export function openBox({ input, output, style, view, onInterrupt, clock = realClock }: BoxOptions): Box {
  let state: 'open' | 'stopped' | 'left' | 'closed' = 'open';
  let size = sizeOf(output);
  let waiting: string[] = [];
  let waitingChars = 0;
  let continuedAt = -Infinity;
  let ignoreStop: () => void;
  let resolveLeft: (how: Leaving) => void;
  const left = new Promise<Leaving>((resolve) => (resolveLeft = resolve));

  const screen = openScreen({
    input,
    output,
    sync: style.sync,
    onKey,
    onResize: () => state === 'open' && pacer.settle(),
  });
  const inline = createInline({ controls: screen.controls, size, reflow: style.reflow });
  const pacer = createPacer(draw, () => untilTick(view()), clock);
  const restore = (): void => screen.restore();
  const unlisten = [
    ...SIGNALS.map((signal) => onSignal(signal, () => take(signal))),
    listen(process, 'SIGCONT', onContinue),
    // a stack trace is printed after this: the terminal must be itself again
    listen(process, 'uncaughtExceptionMonitor', restore),
    listen(process, 'exit', restore),
    listen(output, 'close', () => leave('closed')),
    ...(input.isTTY ? [listen(input, 'end', () => leave('closed'))] : []),
  ];
  // these stay: a terminal that is gone may say so after we have left it
  for (const stream of [input, output]) stream.on('error', () => leave('closed'));
  begin();

  function begin(): void {
    state = 'open';
    ignoreStop = onSignal('SIGTSTP', () => stop(process.pid));
    screen.enter();
    pacer.changed();
  }

  function onKey(name: string): void {
    if (name === 'q') leave('q');
    if (name === 'C-c') take('SIGINT');
    // as the terminal itself would: the whole job stops, not this process alone
    if (name === 'C-z') stop(0);
  }

  function take(signal: Signal): void {
    if (signal === 'SIGINT' && onInterrupt) onInterrupt();
    else leave(signal);
  }

  function write(bytes: string): void {
    if (bytes !== '' && output.writable) output.write(bytes);
  }

  function changed(): void {
    if (state === 'open') pacer.changed();
  }

  function draw(): void {
    if (state !== 'open') return;
    followSize();
    const above = waiting;
    waiting = [];
    waitingChars = 0;
    write(inline.draw(boxLines(view(), size, style), above));
  }

  function followSize(): void {
    const now = sizeOf(output);
    if (now.columns !== size.columns || now.rows !== size.rows) inline.resize(now);
    size = now;
  }

  function print(lines: readonly string[]): void {
    if (state === 'left' || state === 'closed') {
      inline.forget();
      write(linesToBytes(lines));
      return;
    }
    for (const line of lines) {
      waiting.push(line);
      waitingChars += line.length;
      if (waitingChars > MAX_WAITING_CHARS) draw();
    }
    changed();
  }

  /** The signal's default does the stopping, so that nothing happens where nobody could let us go on. */
  function stop(target: number): void {
    if (state !== 'open') return;
    state = 'stopped';
    pacer.stop();
    followSize();
    write(inline.erase());
    screen.restore();
    ignoreStop();
    process.kill(target, 'SIGTSTP');
    setTimeout(goOn, STOP_MS);
  }

  function goOn(): void {
    if (state !== 'stopped') return;
    continuedAt = clock.now();
    begin();
    // the size may have changed while we could not hear of it: this makes Node ask again
    process.kill(process.pid, 'SIGWINCH');
  }

  /** Stopped by somebody else (SIGSTOP), we had no chance to take the block away: a new one begins below. */
  function onContinue(): void {
    goOn();
    if (state !== 'open' || clock.now() - continuedAt < STOP_MS) return;
    continuedAt = clock.now();
    inline.forget();
    screen.enter();
    pacer.changed();
  }

  function leave(how: Leaving): void {
    if (state === 'left' || state === 'closed') return;
    draw();
    state = 'left';
    release();
    resolveLeft(how);
  }

  function close(finalLines: readonly string[] = []): void {
    if (state === 'closed') return;
    draw();
    followSize();
    state = 'closed';
    release();
    const goesOn = leavingLine(view().executions);
    write(inline.erase() + linesToBytes(goesOn === undefined ? finalLines : [...finalLines, goesOn]));
  }

  function release(): void {
    pacer.stop();
    ignoreStop();
    for (const off of unlisten.splice(0)) off();
    screen.destroy();
  }

  return { changed, print, close, left };
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
