/** A session file that is followed, with its place, its copies and the sources that its events come from. */
import { lstatSync } from 'node:fs';
import { nextGeneration } from '../../core/fold.js';
import type { State } from '../../core/state.js';
import type { SessionPlace } from '../registry.js';
import { LAYOUTS } from '../registry.js';
import { historyFinder } from './history-files.js';
import type { SiblingIndex } from './sibling-index.js';
import type { SessionPart, Session } from './session.js';
import type { About, SessionFile } from './session-file.js';
import { openSessionFile, readCall, readProjectRoot } from './session-file.js';

/** A session's file, or one of its sub-agents'. */
export interface FollowedFile {
  place: SessionPlace;
  path: string;
  /** Other files of it, which were there at the same time. */
  copies: Map<string, SessionPlace>;
  file: SessionFile;
  session: Session;
  /** Its own file, not a sub-agent's. */
  isOwn: boolean;
  /** Another source may still say that it tells of this session. */
  isHeld: boolean;
  part: SessionPart;
  rewind(): void;
}

export interface FollowedOptions {
  state: State;
  place: SessionPlace;
  path: string;
  session: Session;
  /** The directories that hold the agent's sessions. */
  roots: readonly string[];
  siblings: SiblingIndex;
  /** Where the journal says that a source was read to. */
  takenOf: (source: string) => number | undefined;
  onRefused: (followed: FollowedFile) => void;
  log: (message: string) => void;
}

export function openFollowed(options: FollowedOptions): FollowedFile {
  const { state, place, path, session, roots, siblings, takenOf, onRefused, log } = options;
  const source = sourcesOf(place, takenOf).at(-1) ?? place.source;
  const file = openSessionFile({
    file: path,
    label: `sessions: ${place.agent} ${place.parts.join('/')}`,
    format: LAYOUTS[place.agent].format,
    step: place.subagent === undefined ? undefined : (readCall(path) ?? place.subagent),
    taken: Math.max(0, takenOf(source) ?? 0),
    takenTime: state.sources.get(source)?.time,
    given: givenBy(place, path),
    findHistory: historyFinder(place, path, roots, siblings),
    onLine: (line) => session.take(followed.part.source, line),
    onReplaced() {
      const { part } = followed;
      if (takenOf(part.source) !== undefined) part.source = nextGeneration(part.source);
    },
    onRefused: () => onRefused(followed),
    log,
  });
  const followed: FollowedFile = {
    ...{ place, path, copies: new Map(), file, session, isHeld: false },
    isOwn: place.subagent === undefined,
    part: { source, file },
    rewind: () => file.rewind(),
  };
  return followed;
}

/** Reads on at another path, where the file at the old one is gone: otherwise the other one is a copy. */
export function moveFollowed(followed: FollowedFile, place: SessionPlace, path: string): boolean {
  if (lstatSync(followed.path, { throwIfNoEntry: false })) {
    followed.copies.set(path, place);
    return false;
  }
  followed.copies.delete(path);
  followed.path = path;
  followed.place = place;
  followed.file.move(path);
  return true;
}

/** Reads on in a copy of a file that is gone. */
export function moveToCopy(followed: FollowedFile): boolean {
  for (const [path, place] of followed.copies) {
    followed.copies.delete(path);
    if (lstatSync(path, { throwIfNoEntry: false }) && moveFollowed(followed, place, path)) return true;
  }
  return false;
}

/** A file that was cut or written anew has another source each time; the newest last. */
export function sourcesOf({ source }: SessionPlace, takenOf: FollowedOptions['takenOf']): string[] {
  const sources = [];
  for (let next = source; takenOf(next) !== undefined; next = nextGeneration(next)) sources.push(next);
  return sources;
}

/** What its place tells of a session. */
function givenBy(place: SessionPlace, path: string): About {
  const { session, parent, root } = place;
  const cwd = root && readProjectRoot(siblingOf(place, path, root));
  return {
    ...(session !== undefined && { session }),
    ...(parent !== undefined && { parent }),
    ...(cwd !== undefined && { cwd }),
  };
}

/** Another file of the same agent; `path` is that of this place. */
export function siblingOf({ parts }: SessionPlace, path: string, other: readonly string[]): string {
  return path.slice(0, -parts.join('/').length) + other.join('/');
}
