/** Reads the files of other sessions to find the history of a fork. */
import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, readSync } from 'node:fs';
import path from 'node:path';
import { userInfo } from 'node:os';
import { readWhole } from '../zstd.js';
import type { FindHistory } from '../streams/history.js';
import type { Json } from '../streams/json.js';
import { parseObject, stringOf } from '../streams/json.js';
import type { Place } from './agents.js';
import { markedParent, parentOfRollout, rolloutHistory, transcriptHistory } from './history.js';

/** Of a file, in which its first UUID is. */
const HEAD_BYTES = 64 * 1024;
/** Sessions beside a new one whose beginnings are compared with its own, newest first. */
const MAX_SIBLINGS = 2_000;
/** Of the parent's file; a longer one is not compared. */
const MAX_PARENT_BYTES = 256 * 1024 * 1024;
const UUID = /"uuid":"([^"\\]{1,64})"/g;

/**
 * How to find what the file at `file` repeats of another session.
 * @param roots the directories that hold the agent's sessions, archives included.
 */
export function historyFinder(
  { agent, session, subagent }: Place,
  file: string,
  roots: readonly string[],
): FindHistory {
  return (first) => {
    if (session === undefined || subagent !== undefined) return undefined;
    if (agent === 'codex') return codexHistory(first, roots);
    return agent === 'claude' ? claudeHistory(session, first, file) : undefined;
  };
}

function codexHistory(first: Json, roots: readonly string[]) {
  const parent = parentOfRollout(first);
  if (parent === undefined || !/^[0-9a-f-]{36}$/.test(parent)) return undefined;
  const file = roots.map((root) => findRollout(root, parent)).find((found) => found !== undefined);
  const text = file && readOwn(file);
  const records = text
    ?.split('\n')
    .map(parseObject)
    .filter((line) => line !== undefined);
  return rolloutHistory(parent, first, records);
}

function findRollout(directory: string, session: string, depth = 0): string | undefined {
  const entries = entriesOf(directory);
  const ends = [`-${session}.jsonl`, `-${session}.jsonl.zst`];
  const found = entries.find((entry) => entry.isFile() && ends.some((end) => entry.name.endsWith(end)));
  if (found) return path.join(directory, found.name);
  for (const entry of entries.reverse()) {
    if (depth >= 3 || !entry.isDirectory() || !/^\d{2,4}$/.test(entry.name)) continue;
    const below = findRollout(path.join(directory, entry.name), session, depth + 1);
    if (below !== undefined) return below;
  }
  return undefined;
}

/** A fork begins with the same line as its parent; of two such files the older one is the parent's. */
function claudeHistory(session: string, first: Json, file: string) {
  const root = stringOf(first['uuid']);
  if (root === undefined) return undefined;
  const own = ageOf(file);
  const older = entriesOf(path.dirname(file))
    .filter((entry) => entry.isFile() && entry.name.endsWith('.jsonl') && entry.name !== path.basename(file))
    .map((entry) => ({
      file: path.join(path.dirname(file), entry.name),
      age: ageOf(path.join(path.dirname(file), entry.name)),
    }))
    .filter(({ age }) => age !== undefined && own !== undefined && age < own)
    .sort((a, b) => ((a.age ?? '') < (b.age ?? '') ? 1 : -1))
    .slice(0, MAX_SIBLINGS)
    .filter((one) => firstUuid(one.file) === root);
  const owners = new Map<string, string>();
  // the oldest last: a line belongs to the session that was there first
  for (const one of older) {
    for (const [, uuid = ''] of readOwn(one.file)?.matchAll(UUID) ?? []) {
      owners.set(uuid, path.basename(one.file, '.jsonl'));
    }
  }
  const isFork = owners.size > 0 || markedParent(first, session) !== undefined;
  return isFork ? transcriptHistory(session, owners) : undefined;
}

/** Sorts by when the file was made; its name decides between two that were made at once. */
function ageOf(file: string): string | undefined {
  const stat = lstatSync(file, { throwIfNoEntry: false });
  if (!stat) return undefined;
  const made = stat.birthtimeMs > 0 ? Math.min(stat.birthtimeMs, stat.mtimeMs) : stat.mtimeMs;
  return `${made.toFixed(4).padStart(20, '0')} ${file}`;
}

function firstUuid(file: string): string | undefined {
  return readOwn(file, HEAD_BYTES)?.matchAll(UUID).next().value?.[1];
}

function entriesOf(directory: string) {
  try {
    return readdirSync(directory, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch {
    return [];
  }
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
