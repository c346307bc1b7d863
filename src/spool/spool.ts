/**
 * Spool directory: finds its files, reads what is appended to them, and removes those that are complete.
 *
 * What a shell writes costs it one append. `shared.ndjson` is a second name of a file whose first name stays: rotation
 * moves the second one. fs.watch on the directory reports appended lines, chokidar reports new files, and a scan every
 * 30 seconds finds what both have missed.
 */
import { lstatSync, readdirSync, unlinkSync } from 'node:fs';
import path from 'node:path';
import type { SpoolStatus } from '../api/messages.js';
import type { ErrorReporter } from '../tailing/error-reporter.js';
import { createErrorReporter } from '../tailing/error-reporter.js';
import type { ReadQueue } from '../tailing/read-queue.js';
import { createReadQueue } from '../tailing/read-queue.js';
import { DirectoryWatch } from './directory-watch.js';
import { Eraser, type EraserOptions } from './eraser.js';
import type { SpoolName } from './names.js';
import { BRIEF_KINDS, HOOK_KIND, parseSpoolName, PROMPT_KINDS, SHARED_NAME, SPOOL_SUFFIX } from './names.js';
import type { Shared } from './shared.js';
import { isNewestShared, nameShared, rotateShared } from './shared.js';
import { type FileOptions, SpoolFile } from './spool-file.js';
import { isWriterAlive } from './writer-process.js';

export interface SpoolOptions
  extends
    Pick<FileOptions, 'directory' | 'submit' | 'reject' | 'log' | 'now'>,
    Pick<EraserOptions, 'position' | 'createSecretTest'> {
  /** Creates the directory; throws when it must not be used. */
  ensureDirectory: () => void;
  /** Offset up to which the journal has a source. */
  takenOf: (source: string) => number | undefined;
  /** Whether all events that the journal has of a source survive power loss. */
  isSynced: (source: string) => boolean;
  /** Whether to stop submitting for now (backpressure); the owner calls `resume` when it may go on. */
  isFull: () => boolean;
  /** Called when a writer has ended (`why`) and the journal has everything it wrote; may be called repeatedly. */
  onWriterGone: (source: string, why: string) => void;
  /** Whether a source has executions that have not ended: only then the end of its writer matters soon. */
  hasOpen: (source: string) => boolean;
  /** Milliseconds between two scans of the directory. @default 30 000 */
  sweepMs?: number;
  /** Milliseconds between two checks of the writers. @default 3 000 */
  writersMs?: number;
}

const SWEEP_MS = 30_000;
const WRITERS_MS = 3_000;
/** Delay of the first check of the writers, by when the files that were there at the start are read. */
const SETTLE_MS = 1_000;
const WRITER_GONE = 'its process ended without reporting the outcome';
const WRITER_REPLACED = 'another shell replaced it (exec): its end was not observed';
/** Chunks that are read at once to catch up: more than single commands append. */
const CATCH_UP_CHUNKS = 4;
/** The shared file is rotated beyond this size. */
const SHARED_BYTES = 4 * 1024 * 1024;
/**
 * A file is kept this long after its last use: after power loss the journal may lack its newest second and read it
 * again, and background jobs of a shell may still write. Files of runners and hooks are removed once the journal is synced.
 */
const KEEP_MS = 60 * 60 * 1000;

/** Opens the spool, and submits what its files hold. */
export function openSpool(options: SpoolOptions): Spool {
  const spool = new Spool(options);
  spool.start();
  return spool;
}

export class Spool {
  readonly #options: SpoolOptions;
  readonly #files = new Map<string, SpoolFile>();
  /** Names that are not read, each of which is logged once. */
  readonly #ignored = new Set<string>();
  readonly #errors: ErrorReporter;
  readonly #queue: ReadQueue<SpoolFile>;
  readonly #eraser: Eraser;
  readonly #watch: DirectoryWatch;
  readonly #timers: NodeJS.Timeout[] = [];
  #shared: Shared | undefined;
  #isClosed = false;

  constructor(options: SpoolOptions) {
    const { directory, log, isFull, sweepMs = SWEEP_MS } = options;
    this.#options = options;
    this.#errors = createErrorReporter((message) => log(`spool: ${message}`));
    this.#queue = createReadQueue({ read: (file) => this.#read(file), isFull, guard: this.#errors.run });
    this.#eraser = new Eraser({ ...options, files: () => this.#files.values() });
    this.#watch = new DirectoryWatch({
      directory,
      onName: (name) => this.#errors.run(() => this.#refresh(name)),
      onUnknown: () => this.#sweep(),
      onExhausted: (limit) => log(`spool: polled every ${sweepMs / 1000} s, because ${limit} is exhausted`),
    });
  }

  start(): void {
    const { sweepMs = SWEEP_MS, writersMs = WRITERS_MS } = this.#options;
    const sweep = () => this.#sweep();
    this.#timers.push(
      setInterval(sweep, sweepMs),
      setInterval(() => this.#checkWriters(), writersMs),
      setTimeout(sweep, Math.min(sweepMs, SETTLE_MS)),
    );
    sweep();
  }

  /** Whether this source is still read: then its position must not be forgotten. */
  isOpen(source: string): boolean {
    return this.#files.has(source + SPOOL_SUFFIX);
  }

  resume(): void {
    this.#queue.resume();
  }

  /** Reads what commands have appended so far, up to a limit, so that later events follow it. */
  catchUp(): void {
    this.#errors.run(() => this.#catchUp());
  }

  /** Reads what these files hold so far before the other files, up to a limit. */
  readAhead(isWanted: (name: SpoolName) => boolean): void {
    this.#errors.run(() => {
      for (const name of readdirSync(this.#options.directory)) {
        const parsed = parseSpoolName(name);
        if (!parsed || !isWanted(parsed) || this.#files.get(name)?.size === this.#sizeOf(name)) continue;
        this.#refresh(name);
        const file = this.#files.get(name);
        if (file) this.#queue.ahead(file, CATCH_UP_CHUNKS);
      }
    });
  }

  /** Reads the file of one call of an agent's hook at once, while the line that names it is read. */
  readHookFile(source: string): void {
    this.#errors.run(() => {
      const name = source + SPOOL_SUFFIX;
      if (parseSpoolName(name)?.kind !== HOOK_KIND || !this.#exists(name)) return;
      this.#refresh(name);
      const file = this.#files.get(name);
      // ignores backpressure: the file is bounded, and the line that follows must not overtake it
      while (file?.read() === 'more');
    });
  }

  /** Reads what a source has here; true when all of it is read, so that callers can poll. */
  readSource(source: string): boolean {
    const name = source + SPOOL_SUFFIX;
    const size = this.#sizeOf(name);
    const file = this.#files.get(name);
    if (size === undefined || file?.skipped !== undefined) return true;
    if (file?.size === size) return file.idleSince !== undefined && !this.#queue.isWaiting(file);
    this.#errors.run(() => this.#refresh(name));
    return false;
  }

  /** Blanks lines with secrets that the journal has and has synced. */
  async eraseSecrets(): Promise<void> {
    await this.#eraser.eraseSecrets();
  }

  /** Syncs the journal, then blanks all lines that it has. */
  async eraseTaken(sync: () => Promise<void>): Promise<void> {
    await this.#eraser.eraseTaken(sync);
  }

  status(): SpoolStatus {
    const { failure } = this.#errors;
    const unread = [...this.#files.values()].filter((file) => file.skipped).map(({ name }) => name);
    return {
      files: this.#files.size,
      skipped: [...this.#ignored, ...unread],
      ...(failure !== undefined && { failure }),
    };
  }

  /** Stops reading. Lines can still be blanked. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#queue.close();
    await this.#watch.close();
    await this.#eraser.close();
  }

  #read(file: SpoolFile): boolean {
    if (file.parsed.kind === HOOK_KIND && !this.#isNextCall()) return true;
    const result = file.read();
    if (result === 'gone') this.#forget(file);
    if (result === 'done' && file.name === this.#shared?.name && file.size > SHARED_BYTES) {
      rotateShared(this.#options.directory);
      this.#refresh(SHARED_NAME);
    }
    return result === 'more';
  }

  /** Whether all earlier calls are read: the shared files hold what was called before the payload of a hook. */
  #isNextCall(): boolean {
    this.#catchUp();
    return !this.#queue.isAnyWaiting(({ parsed }) => parsed.writer === undefined);
  }

  #catchUp(): void {
    const isNew = this.#shared === undefined || this.#files.get(this.#shared.name)?.size !== this.#sizeOf(SHARED_NAME);
    if (isNew) this.#refresh(SHARED_NAME);
    const file = this.#shared && this.#files.get(this.#shared.name);
    if (file) this.#queue.ahead(file, CATCH_UP_CHUNKS);
  }

  /** Queues the file of this name for reading. */
  #refresh(name: string): void {
    if (this.#isClosed) return;
    if (name === SHARED_NAME) {
      this.#shared = nameShared(this.#options.directory, this.#shared);
      if (!this.#shared && this.#exists(name)) this.#ignore(name, 'it is not a regular file');
    }
    const fileName = name === SHARED_NAME ? this.#shared?.name : name;
    const file = fileName === undefined ? undefined : (this.#files.get(fileName) ?? this.#add(fileName));
    if (file) this.#queue.touch(file);
  }

  #add(name: string): SpoolFile | undefined {
    const parsed = parseSpoolName(name);
    if (!parsed) {
      if (!name.startsWith('.') && this.#exists(name)) this.#ignore(name, 'it does not have the name of a spool file');
      return undefined;
    }
    const file: SpoolFile = new SpoolFile({
      ...this.#options,
      name,
      parsed,
      taken: Math.max(0, this.#options.takenOf(parsed.source) ?? 0),
      onRefused: () => this.#queue.again(file),
      onSecret: () => this.#eraser.schedule(),
    });
    this.#files.set(name, file);
    if (file.unscanned > 0) this.#eraser.schedule();
    return file;
  }

  #ignore(name: string, why: string): void {
    if (this.#ignored.has(name)) return;
    this.#ignored.add(name);
    this.#options.log(`spool: ${name} is skipped: ${why}`);
  }

  #forget(file: SpoolFile): void {
    this.#files.delete(file.name);
    this.#queue.drop(file);
    if (file.name === this.#shared?.name) this.#shared = undefined;
  }

  /** Scans the directory, whatever changes were reported. */
  #sweep(): void {
    this.#errors.run(() => {
      this.#options.ensureDirectory();
      this.#watch.refresh();
      for (const name of readdirSync(this.#options.directory)) this.#refresh(name);
      for (const name of this.#ignored) if (!this.#exists(name)) this.#ignored.delete(name);
      for (const file of this.#files.values()) this.#removeIfOver(file);
      this.#errors.clear();
    });
  }

  #checkWriters(): void {
    this.#errors.run(() => {
      for (const file of this.#files.values()) {
        const { writer, source } = file.parsed;
        if (writer !== undefined && this.#options.hasOpen(source)) this.#reportIfGone(file);
      }
    });
  }

  #removeIfOver(file: SpoolFile): void {
    if (!this.#isOver(file)) return;
    const { isSynced, now, directory } = this.#options;
    const { parsed, idleSince = now(), name } = file;
    if (parsed.writer !== undefined) this.#reportIfGone(file);
    const isSafe = BRIEF_KINDS.has(parsed.kind) && isSynced(parsed.source);
    if (!isSafe && now() - idleSince < KEEP_MS) return;
    unlinkSync(path.join(directory, name));
    this.#forget(file);
  }

  #reportIfGone(file: SpoolFile): void {
    const { source, kind } = file.parsed;
    // a hook's process reports what another process does: its own end means nothing
    if (kind === HOOK_KIND || !this.#isOver(file)) return;
    this.#options.onWriterGone(source, this.#isReplaced(file) ? WRITER_REPLACED : WRITER_GONE);
  }

  /** Whether the file has no writer any more, and everything in it was read. */
  #isOver(file: SpoolFile): boolean {
    const { parsed, idleSince, skipped, name, size } = file;
    if (idleSince === undefined || skipped !== undefined) return false;
    const hasWriter =
      parsed.writer === undefined
        ? isNewestShared(this.#options.directory, name)
        : isWriterAlive(parsed.writer, idleSince, this.#options.now()) && !this.#isReplaced(file);
    // its last lines may have come since it was read
    return !hasWriter && this.#sizeOf(name) === size;
  }

  /** Whether another shell runs in the process that wrote this file (`exec zsh`), and writes a file of its own. */
  #isReplaced({ name, parsed: { kind, writer } }: SpoolFile): boolean {
    if (!PROMPT_KINDS.has(kind)) return false;
    const writtenAt = this.#statOf(name)?.mtimeMs ?? 0;
    return [...this.#files.values()].some(
      (file) =>
        file.parsed.writer === writer &&
        PROMPT_KINDS.has(file.parsed.kind) &&
        (this.#statOf(file.name)?.mtimeMs ?? 0) > writtenAt,
    );
  }

  #statOf(name: string) {
    return lstatSync(path.join(this.#options.directory, name), { throwIfNoEntry: false });
  }

  #sizeOf(name: string): number | undefined {
    return this.#statOf(name)?.size;
  }

  #exists(name: string): boolean {
    return this.#sizeOf(name) !== undefined;
  }
}
