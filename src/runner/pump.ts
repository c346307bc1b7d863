/** Copies the output of a command to its recorder and to the user's stream, with backpressure. */
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { errnoOf } from '../core/base/errors.js';

/** Timeout for output of remaining child processes after the command has ended; not counted while blocked. */
const DRAIN_MS = 2_000;
const DRAIN_POLL_MS = 50;

/** Source of bytes. */
export interface PumpSource {
  /** A chunk is valid during the call, and longer if the listener returns true. */
  listen(onChunk: (chunk: Buffer) => boolean, onEnd: () => void): void;
  pause(): void;
  resume(): void;
  /** Stops reading for good. */
  close(): void;
}

export interface Pump {
  /** Resolves when the source has ended. */
  readonly finished: Promise<void>;
  /** Whether reading is paused by backpressure of the user's stream. */
  readonly blocked: boolean;
  show(target: Writable, shown?: Shown): void;
  /** Stops reading, and shows `last`. */
  stop(last: readonly (Buffer | string)[]): void;
}

/** Converts the output of a pseudo-terminal for another terminal. */
export interface Shown {
  /** Converts bytes of the command. */
  pass(chunk: Buffer): Buffer;
  /** Converts text whose lines end with LF. */
  print(part: Buffer | string): Buffer | string;
}

const AS_IT_IS: Shown = { pass: (chunk) => chunk, print: (part) => part };

export interface ChunkRecorder {
  /** Records a chunk. @returns What is shown instead of it, if not the chunk. */
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

/** Reads as fast as the recorder and the user's stream take it, as a pipe would. */
export function createPump(source: PumpSource, recorder: ChunkRecorder): Pump {
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
        // the reader is gone: the command gets SIGPIPE, as it would without a runner
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

/** Waits until everything is read. @returns False if a process kept an output open until the timeout. */
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
