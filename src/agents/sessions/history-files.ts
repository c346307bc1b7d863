/** Reads the files of other sessions to find the history of a fork. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import path from 'node:path';
import { userInfo } from 'node:os';
import { readWhole } from '../../platform/zstd.js';
import type { FindHistory } from '../../formats/history.js';
import type { Json } from '../../formats/json.js';
import { parseObject, stringOf } from '../../formats/json.js';
import type { SessionPlace } from '../registry.js';
import { markedParent, parentOfRollout, rolloutHistory, transcriptHistory } from './history.js';
import { filesOfSession } from './session-paths.js';
import { SiblingIndex } from './sibling-index.js';

/** Of a file, in which its first UUID is. */
const HEAD_BYTES = 64 * 1024;
/** Of the parent's file; a longer one is not compared. */
const MAX_PARENT_BYTES = 256 * 1024 * 1024;
const UUID = /"uuid":"([^"\\]{1,64})"/g;

/**
 * How to find what the file at `file` repeats of another session.
 * @param roots the directories that hold the agent's sessions, archives included.
 */
export function historyFinder(
  { agent, session, subagent }: SessionPlace,
  file: string,
  roots: readonly string[],
  siblings: SiblingIndex,
): FindHistory {
  return (first) => {
    if (session === undefined || subagent !== undefined) return undefined;
    if (agent === 'codex') return codexHistory(first, roots);
    return agent === 'claude' ? claudeHistory(session, first, file, siblings) : undefined;
  };
}

function codexHistory(first: Json, roots: readonly string[]) {
  const parent = parentOfRollout(first);
  if (parent === undefined || !/^[0-9a-f-]{36}$/.test(parent)) return undefined;
  const [file] = filesOfSession('codex', roots, parent);
  const text = file === undefined ? undefined : readOwn(file);
  const records = text
    ?.split('\n')
    .map(parseObject)
    .filter((line) => line !== undefined);
  return rolloutHistory(parent, first, records);
}

/** A fork begins with the same line as its parent; of two such files the older one is the parent's. */
function claudeHistory(session: string, first: Json, file: string, siblings: SiblingIndex) {
  const root = stringOf(first['uuid']);
  if (root === undefined) return undefined;
  const owners = new Map<string, string>();
  // the oldest last: a line belongs to the session that was there first
  for (const older of siblings.olderThan(file, root)) {
    for (const [, uuid = ''] of readOwn(older)?.matchAll(UUID) ?? []) {
      owners.set(uuid, path.basename(older, '.jsonl'));
    }
  }
  const isFork = owners.size > 0 || markedParent(first, session) !== undefined;
  return isFork ? transcriptHistory(session, owners) : undefined;
}

/** Siblings by the UUID that their files begin with. */
export function createSiblings(): SiblingIndex {
  return new SiblingIndex((file) => readOwn(file, HEAD_BYTES)?.matchAll(UUID).next().value?.[1]);
}

/** The beginning of a regular file of this user, as text; undefined when it cannot be read or is too long. */
function readOwn(file: string, bytes?: number): string | undefined {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stat = fstatSync(descriptor);
    if (!stat.isFile() || stat.uid !== userInfo().uid) return undefined;
    if (bytes === undefined) {
      return stat.size > MAX_PARENT_BYTES ? undefined : readWhole(descriptor, file, MAX_PARENT_BYTES).toString('utf8');
    }
    const buffer = Buffer.allocUnsafe(Math.min(bytes, stat.size));
    return buffer.subarray(0, readSync(descriptor, buffer, 0, buffer.length, 0)).toString('utf8');
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}
