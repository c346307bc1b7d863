/** Reads on in the files of sessions that hooks tell of: that a turn was interrupted is written there alone. */
import { lstatSync } from 'node:fs';
import path from 'node:path';
import type { NewEvent } from '../core/event.js';
import type { State } from '../core/state.js';
import { findExecution } from '../core/state.js';
import type { Registry } from '../sessions/registry.js';
import { openTail } from '../spool/tail.js';
import type { HookCall } from '../streams/hook-call.js';
import { createInterpreter } from '../streams/interpreter.js';
import type { Claim } from '../streams/parser.js';
import { stringOf } from '../streams/json.js';
import { interruption, isStopped } from '../streams/turn.js';
import type { Log } from './daemon-log.js';

export interface TurnFiles {
  /** The call of a hook names the file of its session. */
  note(call: HookCall): void;
  look(): void;
  close(): void;
}

export interface TurnFilesOptions {
  state: State;
  registry: Pick<Registry, 'entryOf'>;
  record: (event: NewEvent) => void;
  log: Log;
  /** Between two looks. */
  lookMs?: number;
}

const LOOK_MS = 2_000;
/** Chunks of one file in one look. */
const MAX_CHUNKS = 16;
/** Before its end: the daemon may hear of it late. */
const LAST_BYTES = 64 * 1024;

interface TurnFile {
  read(): void;
  readonly claim: Claim | undefined;
  readonly lastTime: string | undefined;
}

export function createTurnFiles({ state, registry, record, log, lookMs = LOOK_MS }: TurnFilesOptions): TurnFiles {
  /** By session. */
  const files = new Map<string, TurnFile>();

  const currentOf = (session: string) => {
    let found = findExecution(state, session);
    while (found?.successor !== undefined) found = findExecution(state, found.successor);
    return found && state.alive.get(found.id);
  };

  const look = () => {
    for (const [session, file] of files) {
      const execution = currentOf(session);
      if (execution?.via !== 'hooks') {
        files.delete(session);
        continue;
      }
      file.read();
      // the registry knows it, and knows more
      if (registry.entryOf(session) || !isStopped(execution, file.claim, file.lastTime)) continue;
      interruption(execution).forEach(record);
    }
  };
  const timer = setInterval(look, lookMs).unref();

  return {
    look,
    note({ agent, session, fields }) {
      const file = stringOf(fields['transcript_path']);
      if (agent !== 'claude' || files.has(session) || file === undefined || !path.isAbsolute(file)) return;
      if (path.basename(file) === `${session}.jsonl`) files.set(session, openTurnFile(file, log));
    },
    close: () => clearInterval(timer),
  };
}

/** Its last lines, and what comes after them. */
function openTurnFile(file: string, log: Log): TurnFile {
  let lastTime: string | undefined;
  const emit = ({ time }: { time: string }) => void (lastTime = time);
  const sink = { keep: () => undefined, emit };
  const reader = createInterpreter({ argv: [], format: 'claude-transcript', step: undefined, cwd: undefined, sink });
  let writtenAt = 0;
  const tail = openTail({
    file,
    label: `hooks: ${path.basename(file)}`,
    taken: Math.max(0, sizeOf(file) - LAST_BYTES),
    log,
    onLook: (time) => (writtenAt = time),
    onBytes: (bytes) => reader.push(bytes, writtenAt),
    onRewind: () => undefined,
    onRefused: () => undefined,
  });
  return {
    read() {
      for (let chunk = 0; chunk < MAX_CHUNKS && tail.read() === 'more'; chunk++);
    },
    get claim() {
      return reader.claim;
    },
    get lastTime() {
      return lastTime;
    },
  };
}

function sizeOf(file: string): number {
  try {
    return lstatSync(file).size;
  } catch {
    return 0;
  }
}
