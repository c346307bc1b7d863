/**
 * Finds the session that another one was forked from, and which lines the fork's file has copied from it. Pure.
 *
 * A line has an identity (UUID, message ID, position among the copied records of a fork), so what a file repeats is
 * recorded once, and what it has copied from the parent session is not recorded again.
 */
import { createHash } from 'node:crypto';
import { normalizeTime } from '../../core/time.js';
import type { History } from '../../formats/history.js';
import type { Json } from '../../formats/json.js';
import { objectOf, stringOf } from '../../formats/json.js';

/** The session that a rollout of Codex continues, as its first record says. */
export function parentOfRollout(first: Json): string | undefined {
  const payload = objectOf(first['payload']);
  if (first['type'] !== 'session_meta' || !payload) return undefined;
  const spawned = objectOf(objectOf(objectOf(payload['source'])?.['subagent'])?.['thread_spawn']);
  return (
    stringOf(payload['forked_from_id']) ??
    stringOf(payload['parent_thread_id']) ??
    stringOf(spawned?.['parent_thread_id'])
  );
}

/** Records of the parent that a copy may lack in one place. */
const MAX_OMITTED = 64;
/** Without the parent's file: records of the copy are written at once, when the fork is. */
const COPYING_MS = 1_000;

/**
 * A fork of Codex copies records from the beginning of its parent's file, in order, with the times of the copy or of the
 * original. The first record that the parent does not have is the fork's own, and so is everything after it.
 * @param records of the parent's file; undefined when it is not there.
 */
export function rolloutHistory(parent: string, first: Json, records: Iterable<Json> | undefined): History {
  const originals = records && [...records].filter(({ type }) => type !== 'session_meta').map(originalOf);
  const forkedAt = timeOf(first);
  let next = 0;
  let isOwn = false;
  /** The copy has kept the IDs of turns: then a turn with another ID is the fork's own. */
  let keepsTurns = false;

  const isOriginal = (line: Json): boolean => {
    const copy = originalOf(line);
    const limit = Math.min(next + MAX_OMITTED, originals?.length ?? 0);
    for (let at = next; at < limit; at++) {
      const original = originals?.[at];
      if (original?.key !== copy.key) continue;
      if (keepsTurns && original.turn !== copy.turn) return false;
      keepsTurns ||= copy.turn !== undefined && original.turn === copy.turn;
      next = at + 1;
      return true;
    }
    return false;
  };
  return {
    parent,
    isCopied(line) {
      if (isOwn || line === first) return false;
      if (line['type'] === 'session_meta') return true;
      const isCopy = originals ? isOriginal(line) : timeOf(line) <= forkedAt + COPYING_MS;
      isOwn = !isCopy && isTelling(line);
      return isCopy;
    },
  };
}

/** Settings and the state of the world are written again for the fork, among the copies. */
function isTelling({ type }: Json): boolean {
  return type === 'event_msg' || type === 'response_item' || type === 'compacted';
}

function originalOf({ type, payload }: Json): { key: string; turn: string | undefined } {
  const { turn_id: turn, ...rest } = objectOf(payload) ?? {};
  const key = createHash('sha1')
    .update(`${String(type)} ${JSON.stringify(rest)}`)
    .digest('base64');
  return { key, turn: stringOf(turn) };
}

function timeOf(line: Json): number {
  return Date.parse(normalizeTime(stringOf(line['timestamp']) ?? '') ?? '');
}

/**
 * A fork of Claude Code copies lines under their UUIDs, and gives them its own session's ID or leaves the parent's.
 * @param owners the session that has written each line, by UUID.
 */
export function transcriptHistory(session: string, owners: ReadonlyMap<string, string>): History {
  let isOwn = false;
  let parent: string | undefined;
  return {
    get parent() {
      return parent;
    },
    isCopied(line) {
      const uuid = stringOf(line['uuid']);
      if (isOwn || uuid === undefined) return false;
      const owner = markedParent(line, session) ?? owners.get(uuid);
      isOwn = owner === undefined;
      parent = owner ?? parent;
      return !isOwn;
    },
  };
}

/** The session that a line was copied from, as the line itself says. */
export function markedParent(line: Json, session: string): string | undefined {
  const forkedFrom = stringOf(objectOf(line['forkedFrom'])?.['sessionId']);
  const written = stringOf(line['sessionId']);
  return [forkedFrom, written].find((id) => id !== undefined && id !== session);
}
