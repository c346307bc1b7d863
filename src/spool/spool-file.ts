/** One file of the spool: read from where the journal left off, line by line, each taken once. */
import path from 'node:path';
import type { NewEvent } from '../core/event.js';
import { ProgressError } from '../errors.js';
import type { LineDecoder } from '../protocol/lines.js';
import { createLineDecoder } from '../protocol/lines.js';
import { MAX_LINE_BYTES } from '../protocol/messages.js';
import { parseLine, toNewEvent } from '../protocol/validate.js';
import type { SpoolName } from './names.js';
import type { Receipt, Tail } from './tail.js';
import { openTail } from './tail.js';

export interface FileOptions {
  directory: string;
  name: string;
  parsed: SpoolName;
  /** Where the journal says that it was read to, in bytes. */
  taken: number;
  /** Hands an event in; throws when it can never be taken. `isShared`: the file has many writers. */
  submit: (event: NewEvent, bytes: number, receipt: Receipt, isShared: boolean) => void;
  reject: (code: string) => void;
  log: (message: string) => void;
  /** An event could not be written now: call `rewind` in a while. */
  onRefused: () => void;
  now: () => number;
}

/** So many lines, not one of them an event: it is something else. */
const MAX_GARBAGE = 100;
/** Of those, told one by one in the log. */
const MAX_TOLD = 5;
/** Written to within this time: lines without a time have been written just now. */
const LIVE_MS = 2_000;

export interface SpoolFile extends Pick<Tail, 'leftAlone' | 'idleSince' | 'size' | 'read' | 'rewind'> {
  readonly name: string;
  readonly parsed: SpoolName;
}

export function openSpoolFile(options: FileOptions): SpoolFile {
  const { directory, name, parsed, taken, submit, reject, log, onRefused, now } = options;
  /** Of the line that is being taken. */
  let end = taken;
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
    submit(event, text.length, tail.receiptFor(end), parsed.writer === undefined);
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
      onLine: (text) => attempt(() => take(text)),
      onBad: (error) => report(error, end),
    });
  decoder = createDecoder();

  const tail = openTail({
    file: path.join(directory, name),
    label: `spool: ${name}`,
    taken,
    log,
    onRefused,
    onLook(writtenAt) {
      arrival =
        now() - writtenAt > LIVE_MS ? { time: new Date(writtenAt).toISOString(), approximate: true } : undefined;
    },
    onBytes(bytes, behind) {
      end = behind;
      decoder.push(bytes);
    },
    onRewind: () => (decoder = createDecoder()),
  });

  return {
    name,
    parsed,
    get leftAlone() {
      return tail.leftAlone;
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
