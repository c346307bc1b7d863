/** A session file that is followed, with its copies and the source of its events. */
import { lstatSync } from 'node:fs';
import { nextGeneration } from '../../core/state/generations.js';
import type { State } from '../../core/state/state.js';
import type { AgentDefinition } from '../agent.js';
import type { FindHistory } from '../../formats/history.js';
import type { Session, SessionPart } from './session.js';
import type { About } from './session-file.js';
import { readCwd, SessionFile } from './session-file.js';
import type { SessionPlace } from './session-files.js';
import { siblingOf } from './session-files.js';

export interface FollowedFileOptions {
  definition: AgentDefinition;
  state: State;
  place: SessionPlace;
  path: string;
  session: Session;
  findHistory: FindHistory | undefined;
  /** Returns the offset up to which the journal has a source. */
  takenOf: (source: string) => number | undefined;
  onRefused: (followed: FollowedFile) => void;
  log: (message: string) => void;
}

export class FollowedFile {
  readonly session: Session;
  readonly file: SessionFile;
  readonly part: SessionPart;
  /** Another source may still identify the session as its own, so the file is not read yet. */
  isHeld = false;
  #place: SessionPlace;
  #path: string;
  /** Other files with the same content, by path. */
  readonly #copies = new Map<string, SessionPlace>();

  constructor(options: FollowedFileOptions) {
    const { definition, state, place, path, session, findHistory, takenOf, onRefused, log } = options;
    const source = sourcesOf(place, takenOf).at(-1) ?? place.source;
    this.session = session;
    this.#place = place;
    this.#path = path;
    this.file = new SessionFile({
      file: path,
      label: `sessions: ${place.agent} ${place.parts.join('/')}`,
      format: definition.transcript.name,
      step: place.subagent === undefined ? undefined : (definition.sessions.readStep?.(path) ?? place.subagent),
      taken: Math.max(0, takenOf(source) ?? 0),
      takenTime: state.sources.get(source)?.time,
      given: aboutPlace(place, path),
      findHistory,
      onLine: (line) => session.record(this.part.source, line),
      onReplaced: () => {
        if (takenOf(this.part.source) !== undefined) this.part.source = nextGeneration(this.part.source);
      },
      onRefused: () => onRefused(this),
      log,
    });
    this.part = { source, file: this.file };
  }

  get path(): string {
    return this.#path;
  }

  /** Whether it is the session's own file, not that of a sub-agent. */
  get isOwn(): boolean {
    return this.#place.subagent === undefined;
  }

  rewind(): void {
    this.file.rewind();
  }

  /** Continues at another path if the file was moved there. @returns false if it was copied */
  move(place: SessionPlace, path: string): boolean {
    if (lstatSync(this.#path, { throwIfNoEntry: false })) {
      this.#copies.set(path, place);
      return false;
    }
    this.#copies.delete(path);
    this.#path = path;
    this.#place = place;
    this.file.move(path);
    return true;
  }

  /** Continues with a copy after the file was removed. @returns false if there is no copy */
  moveToCopy(): boolean {
    for (const [path, place] of this.#copies) {
      this.#copies.delete(path);
      if (lstatSync(path, { throwIfNoEntry: false }) && this.move(place, path)) return true;
    }
    return false;
  }
}

/** Returns the sources of a file that the journal has, the newest last; each truncation or replacement starts another one. */
export function sourcesOf({ source }: SessionPlace, takenOf: FollowedFileOptions['takenOf']): string[] {
  const sources = [];
  for (let next = source; takenOf(next) !== undefined; next = nextGeneration(next)) sources.push(next);
  return sources;
}

function aboutPlace(place: SessionPlace, path: string): About {
  const { session, parent, cwdFile } = place;
  const cwd = cwdFile && readCwd(siblingOf(place, path, cwdFile));
  return {
    ...(session !== undefined && { session }),
    ...(parent !== undefined && { parent }),
    ...(cwd !== undefined && { cwd }),
  };
}
