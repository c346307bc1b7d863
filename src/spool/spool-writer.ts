/** A spool file of one's own: events of a process that must not wait for a daemon, nor lose any when there is none. */
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { EventMasker } from '../core/mask/mask.js';
import { errnoOf } from '../core/errors.js';
import { makeOwnDirectory } from '../platform/own-directory.js';
import type { Paths } from '../platform/paths.js';
import { SPOOL_SUFFIX } from './names.js';

export interface SpoolWriter {
  /** What the events are known by in the journal. */
  readonly source: string;
  /**
   * Written in its turn within this tick, or at once if `now` is given. Of `output` there may be too much for a full
   * disk: it is dropped then, and counted.
   */
  append(event: SpoolEvent, now?: 'now'): void;
  /** Resolves when everything is written, or nobody hopes for that any longer: a full disk has room again some day. */
  written(): Promise<void>;
  /** Writes what is left, and returns how many events could not be. */
  close(): number;
}

export interface SpoolEvent {
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
const NEWLINE = 0x0a;
const NOTHING: Buffer = Buffer.alloc(0);
const HOPE_MS = 60 * 60 * 1000;

/** Of writer `kind`, this process. Throws what the system says when the file cannot be made. */
export function openSpoolWriter({ spool }: Pick<Paths, 'spool'>, kind: string, unique: string): SpoolWriter {
  const source = `${kind}-${process.pid}-${unique}`;
  makeOwnDirectory(spool);
  const { O_WRONLY, O_APPEND, O_CREAT, O_EXCL } = constants;
  const fd = openSync(path.join(spool, source + SPOOL_SUFFIX), O_WRONLY | O_APPEND | O_CREAT | O_EXCL, 0o600);
  let waiting: { line: string; isOutput: boolean }[] = [];
  let chars = 0;
  /** Of a line that stands there in part. */
  let rest = NOTHING;
  let dropped = 0;
  /** Of these, what nothing was said of yet. */
  let unsaid = 0;
  let scheduled: NodeJS.Immediate | undefined;
  let retry: NodeJS.Timeout | undefined;
  let last: SpoolEvent | undefined;
  const masker = new EventMasker();

  const flush = () => {
    clearImmediate(scheduled);
    scheduled = undefined;
    if (waiting.length === 0 && rest.length === 0) return;
    const about = aboutDropped();
    const bytes = Buffer.concat([rest, Buffer.from(about + waiting.map(({ line }) => line).join(''))]);
    const done = writeSome(bytes);
    if (done === bytes.length) {
      rest = NOTHING;
      unsaid = 0;
      waiting = [];
      chars = 0;
      return;
    }
    // a line that is begun is completed: somebody may have read what stands of it
    const isBegun = done === 0 ? rest.length > 0 : bytes[done - 1] !== NEWLINE;
    const begun = isBegun ? bytes.indexOf(NEWLINE, done) + 1 : done;
    const from = rest.length + Buffer.byteLength(about);
    rest = Buffer.from(bytes.subarray(done, begun));
    if (begun >= from) unsaid = 0;
    const lines = begun > from ? bytes.toString('latin1', from, begun).split('\n').length - 1 : 0;
    for (const { line } of waiting.splice(0, lines)) chars -= line.length;
    // a full disk has room again some day
    retry ??= setTimeout(() => {
      retry = undefined;
      flush();
    }, RETRY_MS).unref();
  };

  /** Returns how many bytes stand in the file. */
  const writeSome = (bytes: Buffer): number => {
    let done = 0;
    try {
      while (done < bytes.length) done += writeSync(fd, bytes, done);
    } catch (error) {
      if (errnoOf(error) === undefined) throw error;
    }
    return done;
  };

  /** The oldest first. */
  const dropOutput = () => {
    waiting = waiting.filter(({ line, isOutput }) => {
      if (!isOutput || chars <= KEPT_CHARS / 2) return true;
      chars -= line.length;
      dropped++;
      unsaid++;
      return false;
    });
  };

  const aboutDropped = (): string => {
    if (unsaid === 0 || !last) return '';
    const message = `${unsaid} events of output were dropped: they could not be written, and too many waited`;
    return lineOf({ ...last, type: 'log', data: { level: 'warning', message } });
  };

  const append = (event: SpoolEvent, now?: 'now') => {
    last = event;
    // the file stays for as long as the run: no secret gets there
    const line = lineOf(masker.mask(event));
    waiting.push({ line, isOutput: event.type === 'output' });
    chars += line.length;
    if (retry) {
      if (chars > KEPT_CHARS) dropOutput();
    } else if (now || chars >= FLUSH_CHARS) flush();
    else scheduled ??= setImmediate(flush);
  };

  return {
    source,
    append,
    async written() {
      flush();
      const deadline = performance.now() + HOPE_MS;
      for (; (waiting.length > 0 || rest.length > 0) && performance.now() < deadline; flush()) await delay(RETRY_MS);
    },
    close() {
      flush();
      clearTimeout(retry);
      closeSync(fd);
      return waiting.length + (rest.length > 0 ? 1 : 0) + dropped;
    },
  };
}

function lineOf(event: SpoolEvent): string {
  return `${JSON.stringify(event)}\n`;
}
