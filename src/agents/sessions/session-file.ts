/** One file of a session: read from its beginning, so that its lines are understood, and handed on from where it was taken. */
import { createHash } from 'node:crypto';
import path from 'node:path';
import type { FinalStatus } from '../../core/event.js';
import { textOf } from '../../core/event.js';
import { isIdentifier } from '../../core/identifier.js';
import type { Receipt, Tail } from '../../tailing/tail.js';
import { openTail } from '../../tailing/tail.js';
import type { Interpreter, TimedEvent } from '../../formats/interpreter.js';
import { createInterpreter } from '../../formats/interpreter.js';
import { FORMATS } from '../formats.js';
import { parseObject } from '../../formats/json.js';
import type { FindHistory } from '../../formats/history.js';
import type { ReportedOutcome } from '../../formats/parser.js';

/** What one line tells. */
export interface SessionLine {
  events: TimedEvent[];
  /** The offset behind it. */
  end: number;
  bytes: number;
  receipt: Receipt;
}

/** What the file says about its session. */
export interface About {
  session?: string;
  cwd?: string;
  version?: string;
  /** The session that has started it. */
  parent?: string;
  /** The session whose history it continues. */
  forkedFrom?: string;
}

export interface SessionFileOptions {
  file: string;
  /** In the log. */
  label: string;
  /** Name of a format of `agents/formats.ts`. */
  format: string;
  /** The step that it tells of, if it is a sub-agent's. */
  step: string | undefined;
  /** What its place tells. */
  given: About;
  findHistory: FindHistory;
  /** Where the journal says that it was taken to. */
  taken: number;
  /** When the newest line of it that was taken happened, RFC 3339. */
  takenTime?: string | undefined;
  /** It was cut or written anew: offsets count from now on in another file. */
  onReplaced: () => void;
  /** A line that was not taken before, and tells something. */
  onLine: (line: SessionLine) => void;
  onRefused: () => void;
  log: (message: string) => void;
}

export interface SessionFile extends Pick<Tail, 'skipped' | 'idleSince' | 'read' | 'rewind' | 'move'> {
  readonly about: About;
  /** How the last turn has ended, unless another has begun. */
  readonly claim: ReportedOutcome | undefined;
  /** When it has ended so, RFC 3339. */
  readonly claimedAt: string | undefined;
  readonly isOver: boolean;
  /** The time of the newest event, RFC 3339. */
  readonly lastTime: string | undefined;
  /** What is left open closes so. */
  close(status: FinalStatus): TimedEvent[];
}

const NEWLINE = 0x0a;

export function openSessionFile(options: SessionFileOptions): SessionFile {
  const { file, label, format, step, given, findHistory, taken, onReplaced, onLine, onRefused, log } = options;
  let about = given;
  let lastTime: string | undefined;
  let claim: ReportedOutcome | undefined;
  let claimedAt: string | undefined;
  let writtenAt = 0;
  /** Up to here it is only read to be understood. */
  let known = taken;
  /** Lines that are in the journal or on their way there, and those of them that an earlier form of the file had. */
  const handedOn = new Set<number>();
  let earlier = new Set<number>();
  /** Where the earlier form was never seen: what is not newer than this was in it. */
  let earlierTime = '';
  let lineHash = createHash('sha1');
  let lineStart = 0;
  let told: TimedEvent[] = [];

  const note = (event: TimedEvent) => {
    told.push(event);
    if (lastTime === undefined || event.time > lastTime) lastTime = event.time;
    if (event.type !== 'activity' || event.data['kind'] !== 'init') return;
    const { session, cwd, version, parentSession: parent, forkedFrom } = event.data;
    for (const [key, value] of Object.entries({ session, cwd, version, parent, forkedFrom })) {
      if (isIdentifier(value)) about = { [key]: value, ...about };
    }
  };
  /** What it does not understand stands in the file, and nowhere else. */
  const sink = { keep: () => undefined, emit: note };
  const createReader = () =>
    createInterpreter({ formats: FORMATS, argv: [], format, step, cwd: given.cwd, findHistory, sink });
  let reader: Interpreter = createReader();

  const take = (): TimedEvent[] => {
    const events = told;
    told = [];
    return events;
  };

  /** The first 48 bits of the line's hash. */
  const takeHash = (): number => {
    const hash = lineHash.digest().readUIntBE(0, 6);
    lineHash = createHash('sha1');
    return hash;
  };

  const receiptFor = (hash: number, end: number): Receipt => {
    const receipt = tail.receiptFor(end);
    handedOn.add(hash);
    return {
      ...receipt,
      refused(error) {
        handedOn.delete(hash);
        receipt.refused(error);
        // the file was replaced in the meantime, and the line was passed over in its new form
        if (earlier.delete(hash)) onRefused();
      },
    };
  };

  const handOn = (hash: number, end: number) => {
    const events = take();
    if (reader.claim !== claim) {
      claim = reader.claim;
      claimedAt = events.at(-1)?.time ?? lastTime;
    }
    const isKnown = earlier.has(hash) || (events.at(-1)?.time ?? '') <= earlierTime;
    if (events.length > 0 && end > known && !isKnown) {
      onLine({ events, end, bytes: end - lineStart, receipt: receiptFor(hash, end) });
    } else {
      handedOn.add(hash);
    }
  };

  const tail = openTail({
    file,
    label,
    taken,
    fromStart: true,
    log,
    onRefused,
    onLook: (time) => (writtenAt = time),
    onBytes(bytes, end) {
      reader.push(bytes, writtenAt);
      lineHash.update(bytes);
      if (bytes.at(-1) !== NEWLINE) return;
      // no line ended where the journal says that one did
      if (lineStart < known && end > known) return tail.replace();
      handOn(takeHash(), end);
      lineStart = end;
    },
    onReplaced() {
      if (handedOn.size === 0 || lineStart < known) earlierTime = options.takenTime ?? '';
      earlier = new Set([...earlier, ...handedOn]);
      onReplaced();
    },
    onRewind() {
      reader = createReader();
      take();
      lineHash = createHash('sha1');
      lineStart = 0;
      known = tail.settled;
    },
  });

  return {
    get skipped() {
      return tail.skipped;
    },
    get idleSince() {
      return tail.idleSince;
    },
    get about() {
      return about;
    },
    get claim() {
      return reader.claim;
    },
    get claimedAt() {
      return claimedAt;
    },
    get isOver() {
      return reader.isOver;
    },
    get lastTime() {
      return lastTime;
    },
    read: () => tail.read(),
    rewind: () => tail.rewind(),
    move: (path) => tail.move(path),
    close(status) {
      reader.end(status, lastTime === undefined ? writtenAt : Date.parse(lastTime));
      return take();
    },
  };
}

/** The call that a sub-agent was started by, which stands beside its file. */
export function readCall(file: string): string | undefined {
  const told = parseObject(readSmallFile(file.replace(/\.jsonl$/, '.meta.json')));
  return told && textOf(told, 'toolUseId');
}

/** The directory that the sessions of a project work in, which stands in this file of it. */
export function readProjectRoot(file: string): string | undefined {
  const text = readSmallFile(file).trim();
  return path.isAbsolute(text) && isIdentifier(text) ? text : undefined;
}

/** The beginning of a small file, under the conditions under which any other is read; empty where there is none. */
export function readSmallFile(file: string): string {
  const parts: Buffer[] = [];
  const ignore = () => undefined;
  const onBytes = (bytes: Buffer) => void parts.push(Buffer.from(bytes));
  openTail({ file, label: file, taken: 0, onBytes, onRewind: ignore, onRefused: ignore, log: ignore }).read();
  return Buffer.concat(parts).toString('utf8');
}
