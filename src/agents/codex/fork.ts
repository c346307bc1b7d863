/**
 * Finds the session that a session of Codex continues, and the records that its file has copied from there.
 *
 * A fork copies records from the beginning of its parent's file, in order, with the times of the copy or of the original.
 * The first record that the parent does not have is the fork's own, and so is everything after it.
 */
import { createHash } from 'node:crypto';
import { normalizeTime } from '../../core/text/time.js';
import type { FindHistory, History } from '../../formats/history.js';
import type { Json } from '../../formats/json.js';
import { objectOf, parseObject, stringOf } from '../../formats/json.js';
import { readOwnFile } from '../sessions/read-file.js';
import type { SessionFiles } from '../sessions/session-files.js';
import { filesOfSession } from '../sessions/session-paths.js';

/** Records of the parent that a copy may omit in one place. */
const MAX_OMITTED = 64;
/** If the parent's file is missing: time within which all copied records are written. */
const COPYING_MS = 1_000;

/** A record, comparable with its copies. */
interface Original {
  key: string;
  turn: string | undefined;
}

export function createCodexHistoryFinder(files: SessionFiles, roots: readonly string[]): () => FindHistory {
  return () => (first) => {
    const parent = parentOf(first);
    if (parent === undefined || !/^[0-9a-f-]{36}$/.test(parent)) return undefined;
    const [file] = filesOfSession(files, roots, parent);
    const text = file === undefined ? undefined : readOwnFile(file);
    const records = text
      ?.split('\n')
      .map(parseObject)
      .filter((line) => line !== undefined);
    return new ForkHistory(parent, first, records);
  };
}

/** Returns the session that a file continues, from its first record. */
function parentOf(first: Json): string | undefined {
  const payload = objectOf(first['payload']);
  if (first['type'] !== 'session_meta' || !payload) return undefined;
  const spawned = objectOf(objectOf(objectOf(payload['source'])?.['subagent'])?.['thread_spawn']);
  return (
    stringOf(payload['forked_from_id']) ??
    stringOf(payload['parent_thread_id']) ??
    stringOf(spawned?.['parent_thread_id'])
  );
}

class ForkHistory implements History {
  readonly parent: string;
  readonly #first: Json;
  readonly #originals: readonly Original[] | undefined;
  readonly #forkedAt: number;
  #next = 0;
  #isOwn = false;
  /** The copy has kept the IDs of turns, so a turn with another ID is the fork's own. */
  #keepsTurns = false;

  /** @param records records of the parent's file; undefined if it is missing */
  constructor(parent: string, first: Json, records: readonly Json[] | undefined) {
    this.parent = parent;
    this.#first = first;
    this.#originals = records?.filter(({ type }) => type !== 'session_meta').map(originalOf);
    this.#forkedAt = timeOf(first);
  }

  isCopied(line: Json): boolean {
    if (this.#isOwn || line === this.#first) return false;
    if (line['type'] === 'session_meta') return true;
    const isCopy = this.#originals
      ? this.#matchNext(this.#originals, originalOf(line))
      : timeOf(line) <= this.#forkedAt + COPYING_MS;
    this.#isOwn = !isCopy && isContent(line);
    return isCopy;
  }

  #matchNext(originals: readonly Original[], copy: Original): boolean {
    const limit = Math.min(this.#next + MAX_OMITTED, originals.length);
    for (let at = this.#next; at < limit; at++) {
      const original = originals[at];
      if (original?.key !== copy.key) continue;
      if (this.#keepsTurns && original.turn !== copy.turn) return false;
      this.#keepsTurns ||= copy.turn !== undefined && original.turn === copy.turn;
      this.#next = at + 1;
      return true;
    }
    return false;
  }
}

/** Whether a record is part of the conversation. Others, such as settings, are written for the fork among the copies. */
function isContent({ type }: Json): boolean {
  return type === 'event_msg' || type === 'response_item' || type === 'compacted';
}

function originalOf({ type, payload }: Json): Original {
  const { turn_id: turn, ...rest } = objectOf(payload) ?? {};
  const key = createHash('sha1')
    .update(`${String(type)} ${JSON.stringify(rest)}`)
    .digest('base64');
  return { key, turn: stringOf(turn) };
}

function timeOf(line: Json): number {
  return Date.parse(normalizeTime(stringOf(line['timestamp']) ?? '') ?? '');
}
