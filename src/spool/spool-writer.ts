/** Spool file with one writer: a process writes its events without waiting for a daemon, and loses none without one. */
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { EventMasker } from '../core/mask/mask.js';
import { errnoOf } from '../core/base/errors.js';
import { makeOwnDirectory } from '../platform/own-directory.js';
import type { Paths } from '../platform/paths.js';
import { SPOOL_SUFFIX } from './names.js';

export interface SpoolWriter {
  /** Identifies the events of this file in the journal. */
  readonly source: string;
  /**
   * Writes an event in order: within this tick, or at once with `now`. On a full disk, events of type `output` beyond
   * 8 MiB are dropped and counted.
   */
  append(event: SpoolEvent, now?: 'now'): void;
  /** Resolves when everything is written, or after an hour of retries. */
  written(): Promise<void>;
  /** @returns how many events were not written */
  close(): number;
}

export interface SpoolEvent {
  type: string;
  execution: string;
  time: string;
  data: Record<string, unknown>;
}

/** Buffered lines are written at once beyond this size. */
const FLUSH_CHARS = 256 * 1024;
/** Output is dropped beyond this size while the file cannot be written. */
const KEPT_CHARS = 8 * 1024 * 1024;
const RETRY_MS = 1_000;
const NEWLINE = 0x0a;
const NOTHING: Buffer = Buffer.alloc(0);
const MAX_WAIT_MS = 60 * 60 * 1000;

/**
 * Creates the file of this process.
 * @param kind - what the writer is, as in `run`
 * @throws the system's error when the file cannot be created
 */
export function openSpoolWriter({ spool }: Pick<Paths, 'spool'>, kind: string, unique: string): SpoolWriter {
  const source = `${kind}-${process.pid}-${unique}`;
  makeOwnDirectory(spool);
  const { O_WRONLY, O_APPEND, O_CREAT, O_EXCL } = constants;
  const fd = openSync(path.join(spool, source + SPOOL_SUFFIX), O_WRONLY | O_APPEND | O_CREAT | O_EXCL, 0o600);
  return new FileWriter(source, fd);
}

class FileWriter implements SpoolWriter {
  readonly source: string;
  readonly #fd: number;
  readonly #masker = new EventMasker();
  #buffered: { line: string; isOutput: boolean }[] = [];
  #chars = 0;
  /** Rest of a line that is in the file in part. */
  #rest = NOTHING;
  #dropped = 0;
  /** Dropped events that no warning in the file counts yet. */
  #unreported = 0;
  #scheduled: NodeJS.Immediate | undefined;
  #retry: NodeJS.Timeout | undefined;
  #last: SpoolEvent | undefined;

  constructor(source: string, fd: number) {
    this.source = source;
    this.#fd = fd;
  }

  append(event: SpoolEvent, now?: 'now'): void {
    this.#last = event;
    // the file lives as long as the run, so secrets are masked before they are written
    const line = lineOf(this.#masker.mask(event));
    this.#buffered.push({ line, isOutput: event.type === 'output' });
    this.#chars += line.length;
    if (this.#retry) {
      if (this.#chars > KEPT_CHARS) this.#dropOutput();
    } else if (now || this.#chars >= FLUSH_CHARS) this.#flush();
    else this.#scheduled ??= setImmediate(() => this.#flush());
  }

  async written(): Promise<void> {
    this.#flush();
    const deadline = performance.now() + MAX_WAIT_MS;
    for (; this.#isPending() && performance.now() < deadline; this.#flush()) await delay(RETRY_MS);
  }

  close(): number {
    this.#flush();
    clearTimeout(this.#retry);
    closeSync(this.#fd);
    return this.#buffered.length + (this.#rest.length > 0 ? 1 : 0) + this.#dropped;
  }

  #isPending(): boolean {
    return this.#buffered.length > 0 || this.#rest.length > 0;
  }

  #flush(): void {
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    if (!this.#isPending()) return;
    const warning = this.#dropWarning();
    const bytes = Buffer.concat([this.#rest, Buffer.from(warning + this.#buffered.map(({ line }) => line).join(''))]);
    const written = this.#write(bytes);
    if (written < bytes.length) {
      this.#keepRest(bytes, written, this.#rest.length + Buffer.byteLength(warning));
      this.#scheduleRetry();
      return;
    }
    this.#rest = NOTHING;
    this.#unreported = 0;
    this.#buffered = [];
    this.#chars = 0;
  }

  /** @returns how many bytes were written */
  #write(bytes: Buffer): number {
    let written = 0;
    try {
      while (written < bytes.length) written += writeSync(this.#fd, bytes, written);
    } catch (error) {
      if (errnoOf(error) === undefined) throw error;
    }
    return written;
  }

  /**
   * Keeps what a write did not get through. A line that is in the file in part is completed, since a reader may have seen
   * its beginning.
   * @param linesAt - offset of the first buffered line in `bytes`
   */
  #keepRest(bytes: Buffer, written: number, linesAt: number): void {
    const isPartial = written === 0 ? this.#rest.length > 0 : bytes[written - 1] !== NEWLINE;
    const end = isPartial ? bytes.indexOf(NEWLINE, written) + 1 : written;
    this.#rest = Buffer.from(bytes.subarray(written, end));
    if (end >= linesAt) this.#unreported = 0;
    const lines = end > linesAt ? bytes.toString('latin1', linesAt, end).split('\n').length - 1 : 0;
    for (const { line } of this.#buffered.splice(0, lines)) this.#chars -= line.length;
  }

  #scheduleRetry(): void {
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined;
      this.#flush();
    }, RETRY_MS).unref();
  }

  /** Drops the oldest output until half of the limit is free. */
  #dropOutput(): void {
    this.#buffered = this.#buffered.filter(({ line, isOutput }) => {
      if (!isOutput || this.#chars <= KEPT_CHARS / 2) return true;
      this.#chars -= line.length;
      this.#dropped++;
      this.#unreported++;
      return false;
    });
  }

  #dropWarning(): string {
    if (this.#unreported === 0 || !this.#last) return '';
    const message = `${this.#unreported} events of output were dropped: they could not be written, and too many waited`;
    return lineOf({ ...this.#last, type: 'log', data: { level: 'warning', message } });
  }
}

function lineOf(event: SpoolEvent): string {
  return `${JSON.stringify(event)}\n`;
}
