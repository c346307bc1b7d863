/** A spool file of one's own: events of a process that must not wait for a daemon, nor lose any when there is none. */
import { closeSync, constants, ftruncateSync, mkdirSync, openSync, writeSync } from 'node:fs';
import path from 'node:path';
import { errnoOf } from '../errors.js';
import type { Paths } from '../paths.js';
import { SPOOL_SUFFIX } from './names.js';

export interface OwnFile {
  /** What the events are known by in the journal. */
  readonly source: string;
  /**
   * Written in its turn within this tick, or at once if `now` is given. Of `output` there may be too much for a full
   * disk: it is dropped then, and counted.
   */
  append(event: OwnEvent, now?: 'now'): void;
  /** Writes what is left, and returns how many events could not be. */
  close(): number;
}

export interface OwnEvent {
  type: string;
  execution: string;
  time: string;
  data: Record<string, unknown>;
}

/** Written at once. */
const FLUSH_CHARS = 256 * 1024;
/** Kept while nothing can be written. */
const KEPT_CHARS = 8 * 1024 * 1024;
const RETRY_MS = 1_000;

/** Of writer `kind`, this process. Throws what the system says when the file cannot be made. */
export function openOwnFile({ spool }: Pick<Paths, 'spool'>, kind: string, unique: string): OwnFile {
  const source = `${kind}-${process.pid}-${unique}`;
  mkdirSync(spool, { recursive: true, mode: 0o700 });
  const { O_WRONLY, O_APPEND, O_CREAT, O_EXCL } = constants;
  const fd = openSync(path.join(spool, source + SPOOL_SUFFIX), O_WRONLY | O_APPEND | O_CREAT | O_EXCL, 0o600);
  let waiting: { line: string; output: boolean }[] = [];
  let chars = 0;
  let written = 0;
  let dropped = 0;
  let scheduled: NodeJS.Immediate | undefined;
  let retry: NodeJS.Timeout | undefined;
  let last: OwnEvent | undefined;

  const flush = () => {
    clearImmediate(scheduled);
    scheduled = undefined;
    if (waiting.length === 0) return;
    try {
      writeWhole(waiting.map(({ line }) => line).join(''));
    } catch (error) {
      if (errnoOf(error) === undefined) throw error;
      // a full disk has room again some day
      retry ??= setTimeout(() => {
        retry = undefined;
        flush();
      }, RETRY_MS).unref();
      if (chars > KEPT_CHARS) dropOutput();
      return;
    }
    waiting = [];
    chars = 0;
    sayDropped();
  };

  const writeWhole = (text: string) => {
    const bytes = Buffer.from(text);
    for (let done = 0; done < bytes.length;) {
      try {
        done += writeSync(fd, bytes, done);
      } catch (error) {
        // nobody has taken a line without its end
        if (done > 0) ftruncateSync(fd, written);
        throw error;
      }
    }
    written += bytes.length;
  };

  const dropOutput = () => {
    waiting = waiting.filter(({ line, output }) => {
      if (!output || chars <= KEPT_CHARS / 2) return true;
      chars -= line.length;
      dropped++;
      return false;
    });
  };

  const sayDropped = () => {
    if (dropped === 0 || !last) return;
    const message = `${dropped} events of output were dropped: they could not be written, and too many waited`;
    dropped = 0;
    append({ ...last, type: 'log', data: { level: 'warning', message } });
  };

  const append = (event: OwnEvent, now?: 'now') => {
    const line = `${JSON.stringify(event)}\n`;
    waiting.push({ line, output: event.type === 'output' });
    chars += line.length;
    last = event;
    if (now || chars >= FLUSH_CHARS) flush();
    else scheduled ??= setImmediate(flush);
  };

  return {
    source,
    append,
    close() {
      flush();
      clearTimeout(retry);
      closeSync(fd);
      return waiting.length + dropped;
    },
  };
}
