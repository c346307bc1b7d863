/** What a command writes, to where it is recorded and where it is shown. */
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { errnoOf } from '../core/errors.js';

/** After the command's end, for what its own children still write; not counting the time when nobody takes it. */
const DRAIN_MS = 2_000;
const DRAIN_POLL_MS = 50;

/** Bytes that come, until they end. */
export interface PumpSource {
  /** A chunk is the listener's as long as it runs, and longer if it returns true. */
  listen(onChunk: (chunk: Buffer) => boolean, onEnd: () => void): void;
  pause(): void;
  resume(): void;
  /** Nobody reads any more. */
  close(): void;
}

export interface Pump {
  /** Resolves when there is nothing more. */
  readonly finished: Promise<void>;
  /** It reads no further for now: where it is shown nobody takes it. */
  readonly blocked: boolean;
  show(target: Writable, shown?: Shown): void;
  /** Nothing is read any more; `last` is shown besides. */
  stop(last: readonly (Buffer | string)[]): void;
}

/** How the output of a terminal is written to another terminal. */
export interface Shown {
  /** What the command has written. */
  pass(chunk: Buffer): Buffer;
  /** Lines that end with a newline alone. */
  print(part: Buffer | string): Buffer | string;
}

const AS_IT_IS: Shown = { pass: (chunk) => chunk, print: (part) => part };

export interface Recorder {
  /** What is shown instead of the chunk, if not the chunk. */
  push(chunk: Buffer): readonly (Buffer | string)[] | undefined;
}

export function pumpSourceOf(stream: Readable): PumpSource {
  return {
    listen(onChunk, onEnd) {
      stream.on('data', onChunk);
      stream.once('close', onEnd);
    },
    pause: () => void stream.pause(),
    resume: () => void stream.resume(),
    close: () => void stream.destroy(),
  };
}

/** Reads as fast as it is recorded, or as fast as it is taken where it is shown: a pipe would do that, too. */
export function createPump(source: PumpSource, recorder: Recorder): Pump {
  let target: Writable | undefined;
  let how = AS_IT_IS;
  let draining = false;
  let finish: () => void = () => {};
  const finished = new Promise<void>((resolve) => (finish = resolve));

  const drained = () => {
    if (draining) source.resume();
    draining = false;
  };
  source.listen(
    (chunk) => {
      const parts = recorder.push(chunk);
      if (!target) return false;
      let isTaken = true;
      for (const part of parts?.map((text) => how.print(text)) ?? [how.pass(chunk)]) isTaken = target.write(part);
      if (!isTaken) {
        draining = true;
        source.pause();
        target.once('drain', drained);
      }
      return target.writableLength > 0;
    },
    () => finish(),
  );

  return {
    finished,
    get blocked() {
      return draining;
    },
    show(stream, shown = AS_IT_IS) {
      target = stream;
      how = shown;
      stream.once('error', (error) => {
        target = undefined;
        drained();
        // nobody reads any more: the command is told as it would be without us
        if (errnoOf(error) === 'EPIPE') source.close();
      });
    },
    stop(last) {
      for (const part of last) target?.write(how.print(part));
      source.close();
      finish();
    },
  };
}

/** Waits until everything is read. False when somebody held on to it, and was not waited for any longer. */
export async function drain(pumps: readonly Pump[]): Promise<boolean> {
  let over = false;
  const late = async () => {
    for (let waited = 0; !over && waited < DRAIN_MS;) {
      await delay(DRAIN_POLL_MS, undefined, { ref: false });
      if (!pumps.some((pump) => pump.blocked)) waited += DRAIN_POLL_MS;
    }
    return false;
  };
  const all = Promise.all(pumps.map(({ finished }) => finished)).then(() => true);
  return await Promise.race([all, late()]).finally(() => (over = true));
}
