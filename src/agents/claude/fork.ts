/**
 * Finds the session that a session of Claude Code was forked from, and the lines that its file has copied from there.
 *
 * Lines are identified by their UUID. A fork starts with the same line as its parent, and gives the lines its own session
 * ID or keeps that of the parent; of two such files the older one is the parent's.
 */
import path from 'node:path';
import type { FindHistory, History } from '../../formats/history.js';
import type { Json } from '../../formats/json.js';
import { objectOf, stringOf } from '../../formats/json.js';
import { readOwnFile } from '../sessions/read-file.js';
import { SiblingIndex } from './sibling-index.js';

/** Beginning of a file that contains its first UUID. */
const HEAD_BYTES = 64 * 1024;
const UUID = /"uuid":"([^"\\]{1,64})"/g;

export function createClaudeHistoryFinder(): (session: string, file: string) => FindHistory {
  const siblings = new SiblingIndex((file) => readOwnFile(file, HEAD_BYTES)?.matchAll(UUID).next().value?.[1]);
  return (session, file) => (first) => findHistory(session, first, file, siblings);
}

function findHistory(session: string, first: Json, file: string, siblings: SiblingIndex): History | undefined {
  const root = stringOf(first['uuid']);
  if (root === undefined) return undefined;
  const owners = new Map<string, string>();
  // the oldest last: a line belongs to the session that had it first
  for (const older of siblings.olderThan(file, root)) {
    for (const [, uuid = ''] of readOwnFile(older)?.matchAll(UUID) ?? []) {
      owners.set(uuid, path.basename(older, '.jsonl'));
    }
  }
  const isFork = owners.size > 0 || markedParent(first, session) !== undefined;
  return isFork ? new ForkHistory(session, owners) : undefined;
}

class ForkHistory implements History {
  readonly #session: string;
  readonly #owners: ReadonlyMap<string, string>;
  #isOwn = false;
  #parent: string | undefined;

  /** @param owners session that has written each line, by UUID */
  constructor(session: string, owners: ReadonlyMap<string, string>) {
    this.#session = session;
    this.#owners = owners;
  }

  get parent(): string | undefined {
    return this.#parent;
  }

  isCopied(line: Json): boolean {
    const uuid = stringOf(line['uuid']);
    if (this.#isOwn || uuid === undefined) return false;
    const owner = markedParent(line, this.#session) ?? this.#owners.get(uuid);
    this.#isOwn = owner === undefined;
    this.#parent = owner ?? this.#parent;
    return !this.#isOwn;
  }
}

/** Returns the session that a line was copied from, if the line itself has it. */
function markedParent(line: Json, session: string): string | undefined {
  const forkedFrom = stringOf(objectOf(line['forkedFrom'])?.['sessionId']);
  const written = stringOf(line['sessionId']);
  return [forkedFrom, written].find((id) => id !== undefined && id !== session);
}
