/** One file of the spool: read from where the journal left off, line by line, each taken once. */
import path from 'node:path';
import type { NewEvent } from '../core/event.js';
import { ProgressError } from '../core/errors.js';
import type { LineDecoder } from '../protocol/lines.js';
import { createLineDecoder } from '../protocol/lines.js';
import { MAX_LINE_BYTES } from '../api/messages.js';
import { parseLine, toNewEvent } from '../protocol/validate.js';
import type { Range } from './blank.js';
import type { SpoolName } from './names.js';
import type { Receipt, Tail } from '../tailing/tail.js';
import { openTail } from '../tailing/tail.js';

export interface FileOptions {
  directory: string;
  name: string;
  parsed: SpoolName;
  /** Where the journal says that it was read to, in bytes. */
  taken: number;
  /**
   * Hands an event in; throws when it can never be taken. `isShared`: the file has many writers. Returns whether the line
   * is to be blanked when the journal has it.
   */
  submit: (event: NewEvent, bytes: number, receipt: Receipt, isShared: boolean) => boolean;
  /** A line is to be blanked. */
  onSecret: () => void;
  reject: (code: string) => void;
  log: (message: string) => void;
  /** An event could not be written now: call `rewind` in a while. */
  onRefused: () => void;
  /** May no more be handed in for now? Asked after each line. */
  isFull: () => boolean;
  now: () => number;
}

/** So many lines, not one of them an event: it is something else. */
const MAX_GARBAGE = 100;
/** Of those, told one by one in the log. */
const MAX_TOLD = 5;
const NEWLINE = 0x0a;
/** Written to within this time: lines without a time have been written just now. */
const LIVE_MS = 2_000;

export interface SpoolFile extends Pick<Tail, 'leftAlone' | 'idleSince' | 'settled' | 'size' | 'read' | 'rewind'> {
  readonly name: string;
  readonly parsed: SpoolName;
  /** An earlier daemon took the lines before this offset: whether they hold secrets is not known. */
  unscanned: number;
  /** Do lines wait to be blanked? */
  readonly hasSecrets: boolean;
  addSecrets(ranges: readonly Range[]): void;
  /** Lines to be blanked now: those that are in the journal, which is at `seq`, and synced through `synced`. */
  takeSecrets(seq: number, synced: number): Range[];
}

/** A line that is to be blanked when the journal is synced through `seq`, which is known once the line is taken. */
interface Secret {
  range: Range;
  seq?: number;
}

/** The event of a line; undefined where it is none. */
export function toSpoolEvent(text: string): NewEvent | undefined {
  try {
    return toNewEvent(parseLine(text, 1));
  } catch {
    return undefined;
  }
}

export function openSpoolFile(options: FileOptions): SpoolFile {
  const { directory, name, parsed, taken, submit, onSecret, reject, log, onRefused, isFull, now } = options;
  /** Of the line that is being taken. */
  let start = taken;
  let end = taken;
  let secrets: Secret[] = [];
  let arrival: { time: string; approximate: true } | undefined;
  let good = taken;
  let bad = 0;
  let decoder: LineDecoder;

  const take = (text: string) => {
    const event = toNewEvent(parseLine(text, 1));
    if (event.source === undefined || event.n === undefined) {
      // (source, n) says where in which file it was; who sent it must not be lost
      if (event.source !== undefined) event.sender = [event.source];
      event.source = parsed.source;
      event.n = end;
    }
    if (event.time === undefined && arrival) Object.assign(event, arrival);
    if (submit(event, text.length, tail.receiptFor(end), parsed.writer === undefined)) {
      secrets.push({ range: [start, end] });
      onSecret();
    }
    good++;
  };

  const report = (error: ProgressError, at: number) => {
    reject(error.code);
    if (++bad <= MAX_TOLD) log(`spool: ${name}, the line that ends at byte ${at}: ${error.message}`);
    else if (bad === MAX_TOLD + 1) log(`spool: ${name}: more lines are wrong, and only counted`);
  };

  const attempt = (task: () => void) => {
    try {
      task();
    } catch (error) {
      report(ProgressError.from(error), end);
    }
  };

  const createDecoder = () =>
    createLineDecoder({
      maxBytes: MAX_LINE_BYTES,
      lossy: true,
      // blanked before
      onLine: (text) => text.trim() !== '' && attempt(() => take(text)),
      onBad: (error) => report(error, end),
    });
  decoder = createDecoder();

  const tail = openTail({
    file: path.join(directory, name),
    label: `spool: ${name}`,
    taken,
    log,
    isFull,
    onRefused,
    onLook(writtenAt) {
      arrival =
        now() - writtenAt > LIVE_MS ? { time: new Date(writtenAt).toISOString(), approximate: true } : undefined;
    },
    onBytes(bytes, behind) {
      end = behind;
      decoder.push(bytes);
      if (bytes.at(-1) === NEWLINE) start = end;
    },
    onRewind() {
      decoder = createDecoder();
      start = tail.settled;
      secrets = secrets.filter(({ range }) => range[1] <= start);
    },
  });

  return {
    name,
    parsed,
    get leftAlone() {
      return tail.leftAlone;
    },
    unscanned: taken,
    get settled() {
      return tail.settled;
    },
    get hasSecrets() {
      return secrets.length > 0;
    },
    addSecrets: (ranges) => secrets.push(...ranges.map((range) => ({ range }))),
    takeSecrets(seq, synced) {
      for (const secret of secrets) if (secret.range[1] <= tail.settled) secret.seq ??= seq;
      const isReady = (secret: Secret) => secret.seq !== undefined && secret.seq <= synced;
      const ready = secrets.filter(isReady);
      secrets = secrets.filter((secret) => !isReady(secret));
      return ready.map(({ range }) => range);
    },
    get size() {
      return tail.size;
    },
    get idleSince() {
      return tail.idleSince;
    },
    read() {
      const look = tail.read();
      const isGarbage = good === 0 && bad >= MAX_GARBAGE && (look === 'done' || look === 'more');
      return isGarbage ? tail.leave(`its first ${bad} lines are no events`) : look;
    },
    rewind: () => tail.rewind(),
  };
}
