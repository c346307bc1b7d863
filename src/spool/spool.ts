/**
 * The directory of spool files: finds them, hears of what is appended, reads on, and clears away what is over.
 *
 * What a shell writes costs it one append. `shared.ndjson` is a second name of a file whose first name stays: rotation
 * moves the second one. fs.watch on the directory reports appended lines, chokidar reports new files, and a scan every
 * 30 seconds finds what both have missed.
 */
import { lstatSync, readdirSync, unlinkSync } from 'node:fs';
import path from 'node:path';
import { watch as watchFiles } from 'chokidar';
import type { SpoolStatus } from '../api/messages.js';
import { Eraser, type EraserOptions } from './eraser.js';
import { createErrorReporter } from '../tailing/error-reporter.js';
import type { SpoolName } from './names.js';
import { BRIEF_KINDS, HOOK_KIND, parseSpoolName, PROMPT_KINDS, SHARED_NAME, SPOOL_SUFFIX } from './names.js';
import type { Shared } from './shared.js';
import { isNewestShared, nameShared, rotateShared } from './shared.js';
import type { FileOptions, SpoolFile } from './spool-file.js';
import { openSpoolFile } from './spool-file.js';
import { createReadQueue } from '../tailing/read-queue.js';
import { watchDirectoryNames } from '../tailing/watch-directory.js';
import { exhaustedLimit } from '../tailing/watch-limits.js';
import { isWriterAlive } from './writer-process.js';

export interface SpoolOptions
  extends
    Pick<FileOptions, 'directory' | 'submit' | 'reject' | 'log' | 'now'>,
    Pick<EraserOptions, 'position' | 'createSecretTest'> {
  /** Makes the directory, or throws when it must not be used. */
  ensureDirectory: () => void;
  /** Where the journal says that a source was read to. */
  takenOf: (source: string) => number | undefined;
  /** Is all that the journal has of a source safe from power loss? */
  isSynced: (source: string) => boolean;
  /** May more be handed in? If not, `resume` is called when it may. */
  isFull: () => boolean;
  /** A writer is gone (`why`), and everything it wrote is in the journal. May be told again. */
  onWriterGone: (source: string, why: string) => void;
  /** Has a source executions that have not ended? Only then it matters soon that its writer is gone. */
  hasOpen: (source: string) => boolean;
  /** Milliseconds between two looks at everything, and between two looks at the writers. */
  sweepMs?: number;
  writersMs?: number;
}

export interface Spool {
  /** Is this source still being read? Then its position must not be forgotten. */
  isOpen(source: string): boolean;
  resume(): void;
  /** Takes what commands have appended until now, unless it is much: what is handed in next has come after it. */
  catchUp(): void;
  /** Reads what these files hold until now before the other files, unless it is much. */
  readAhead(isWanted: (name: SpoolName) => boolean): void;
  /** Reads the file of one call of an agent's hook at once: the line that names it is being read. */
  readHookFile(source: string): void;
  /** Reads what a source has here; true when there is nothing more of it, so that it may be asked again and again. */
  look(source: string): boolean;
  /** Blanks lines with secrets that the journal has and has synced. */
  eraseSecrets(): Promise<void>;
  /** Blanks all that the journal has once it is synced. */
  eraseTaken(sync: () => Promise<void>): Promise<void>;
  status(): SpoolStatus;
  /** Reads no more. What is to be blanked can still be. */
  close(): Promise<void>;
}

/** The safety net under what the system tells of changes. */
const SWEEP_MS = 30_000;
/** A script that was killed is seen to be lost after so long at the most. */
const WRITERS_MS = 3_000;
/** And once soon after the start, when what lay there is taken: whose writer is gone? */
const SETTLE_MS = 1_000;
const WRITER_GONE = 'the process that would have told its end is gone';
const WRITER_REPLACED = 'another shell has taken its place (exec): how it ended was not seen';
/** Read at once to catch up; who appends more than that is a load, and no single command. */
const CATCH_UP_CHUNKS = 4;
/** A new shared file is begun beyond this. */
const SHARED_BYTES = 4 * 1024 * 1024;
/**
 * Kept for so long after its last use: the journal may lose its newest second by power loss, and then reads it again;
 * and what a shell leaves running in the background may still write. That of a runner or a hook goes as soon as the disk has it.
 */
const KEEP_MS = 60 * 60 * 1000;

export function openSpool(options: SpoolOptions): Spool {
  const { directory, log, now, isFull, sweepMs = SWEEP_MS, writersMs = WRITERS_MS } = options;
  const files = new Map<string, SpoolFile>();
  /** Names that are no spool file's, and whatever stands in the place of the shared one: said once. */
  const strange = new Set<string>();
  let shared: Shared | undefined;
  let closed = false;
  let watching: { inode: number; close: () => Promise<void> } | undefined;
  /** The limit of the system that the watch of the directory has met. */
  let exhausted: string | undefined;
  const guard = createErrorReporter((message) => log(`spool: ${message}`));

  const catchUp = () => {
    const isNew = shared === undefined || files.get(shared.name)?.size !== sizeOf(SHARED_NAME);
    if (isNew) notice(SHARED_NAME);
    const file = shared && files.get(shared.name);
    if (file) turns.ahead(file, CATCH_UP_CHUNKS);
  };

  /** Is everything read that was called before the hook whose payload this file holds? It is in the shared files. */
  const isNextCall = (): boolean => {
    catchUp();
    return !turns.isAnyWaiting(({ parsed }) => parsed.writer === undefined);
  };

  const read = (file: SpoolFile): boolean => {
    if (file.parsed.kind === HOOK_KIND && !isNextCall()) return true;
    const look = file.read();
    if (look === 'gone') forget(file);
    if (look === 'done' && file.name === shared?.name && file.size > SHARED_BYTES) {
      rotateShared(directory);
      notice(SHARED_NAME);
    }
    return look === 'more';
  };
  const eraser = new Eraser({ ...options, files: () => files.values() });
  const turns = createReadQueue({ read, isFull, guard: guard.run });

  const forget = (file: SpoolFile) => {
    files.delete(file.name);
    turns.drop(file);
    if (file.name === shared?.name) shared = undefined;
  };

  const sayStrange = (name: string, why: string) => {
    if (strange.has(name)) return;
    strange.add(name);
    log(`spool: ${name} is left alone: ${why}`);
  };

  const add = (name: string): SpoolFile | undefined => {
    const parsed = parseSpoolName(name);
    if (!parsed) {
      if (!name.startsWith('.') && exists(name)) sayStrange(name, 'it is not named as spool files are');
      return undefined;
    }
    const file: SpoolFile = openSpoolFile({
      ...options,
      name,
      parsed,
      taken: Math.max(0, options.takenOf(parsed.source) ?? 0),
      onRefused: () => turns.again(file),
      onSecret: () => eraser.schedule(),
    });
    files.set(name, file);
    if (file.unscanned > 0) eraser.schedule();
    return file;
  };

  /** Something is said to have happened to this name. */
  const notice = (name: string) => {
    if (closed) return;
    if (name === SHARED_NAME) {
      shared = nameShared(directory, shared);
      if (!shared && exists(name)) sayStrange(name, 'it is not a regular file');
    }
    const own = name === SHARED_NAME ? shared?.name : name;
    const file = own === undefined ? undefined : (files.get(own) ?? add(own));
    if (file) turns.touch(file);
  };

  const lookAt = (name: string) => lstatSync(path.join(directory, name), { throwIfNoEntry: false });
  const sizeOf = (name: string) => lookAt(name)?.size;
  const exists = (name: string) => sizeOf(name) !== undefined;

  /** Everything there is, whatever was told of it. */
  const sweep = () =>
    guard.run(() => {
      rewatch();
      for (const name of readdirSync(directory)) notice(name);
      for (const name of strange) if (!exists(name)) strange.delete(name);
      for (const file of files.values()) clear(file);
      guard.clear();
    });

  /** Nobody writes to it any more, and everything in it was read. */
  const isOver = ({ parsed, idleSince, leftAlone, name, size }: SpoolFile): boolean => {
    if (idleSince === undefined || leftAlone !== undefined) return false;
    const hasWriter =
      parsed.writer === undefined
        ? isNewestShared(directory, name)
        : isWriterAlive(parsed.writer, idleSince, now()) && !isReplaced(name, parsed);
    // its last words may have come since it was read
    return !hasWriter && sizeOf(name) === size;
  };

  /** `exec zsh`: another shell has gone on in the process that wrote this file, and writes one of its own. */
  const isReplaced = (name: string, { kind, writer }: SpoolName): boolean => {
    if (!PROMPT_KINDS.has(kind)) return false;
    const writtenAt = lookAt(name)?.mtimeMs ?? 0;
    return [...files.values()].some(
      (file) =>
        file.parsed.writer === writer &&
        PROMPT_KINDS.has(file.parsed.kind) &&
        (lookAt(file.name)?.mtimeMs ?? 0) > writtenAt,
    );
  };

  const sayIfGone = (file: SpoolFile) => {
    const { source, kind } = file.parsed;
    // the writer of a hook's call has told what another process does
    if (kind === HOOK_KIND || !isOver(file)) return;
    options.onWriterGone(source, isReplaced(file.name, file.parsed) ? WRITER_REPLACED : WRITER_GONE);
  };

  const lookForWriters = () =>
    guard.run(() => {
      for (const file of files.values()) {
        const { writer, source } = file.parsed;
        if (writer !== undefined && options.hasOpen(source)) sayIfGone(file);
      }
    });

  const clear = (file: SpoolFile) => {
    if (!isOver(file)) return;
    const { parsed, idleSince = now(), name } = file;
    if (parsed.writer !== undefined) sayIfGone(file);
    const isSafe = BRIEF_KINDS.has(parsed.kind) && options.isSynced(parsed.source);
    if (!isSafe && now() - idleSince < KEEP_MS) return;
    unlinkSync(path.join(directory, name));
    forget(file);
  };

  /** The directory may have been removed, and made again. */
  const rewatch = () => {
    options.ensureDirectory();
    const inode = lstatSync(directory).ino;
    if (watching?.inode === inode && exhausted === undefined) return;
    void watching?.close();
    const before = exhausted;
    exhausted = undefined;
    const onFailure = (error: unknown) => {
      if (exhausted !== undefined) return;
      exhausted = exhaustedLimit(error);
      if (exhausted === undefined || exhausted === before) return;
      log(`spool: it is read every ${sweepMs / 1000} s, because changes are not reported: ${exhausted} is used up`);
    };
    watching = {
      inode,
      close: watchDirectory(directory, (name) => guard.run(() => notice(name)), sweep, onFailure),
    };
  };

  const timers = [setInterval(sweep, sweepMs), setInterval(lookForWriters, writersMs)];
  const soon = setTimeout(sweep, Math.min(sweepMs, SETTLE_MS));
  sweep();

  return {
    isOpen: (source) => files.has(source + SPOOL_SUFFIX),
    resume: () => turns.resume(),
    catchUp: () => guard.run(catchUp),
    readAhead: (isWanted) =>
      guard.run(() => {
        for (const name of readdirSync(directory)) {
          const parsed = parseSpoolName(name);
          if (!parsed || !isWanted(parsed) || files.get(name)?.size === sizeOf(name)) continue;
          notice(name);
          const file = files.get(name);
          if (file) turns.ahead(file, CATCH_UP_CHUNKS);
        }
      }),
    readHookFile: (source) =>
      guard.run(() => {
        const name = source + SPOOL_SUFFIX;
        if (parseSpoolName(name)?.kind !== HOOK_KIND || !exists(name)) return;
        notice(name);
        const file = files.get(name);
        // whole, also where no more should be handed in: it is bounded, and the line after it must not overtake it
        while (file?.read() === 'more');
      }),
    look(source) {
      const name = source + SPOOL_SUFFIX;
      const size = sizeOf(name);
      const file = files.get(name);
      if (size === undefined || file?.leftAlone !== undefined) return true;
      if (file?.size === size) return file.idleSince !== undefined && !turns.isWaiting(file);
      guard.run(() => notice(name));
      return false;
    },
    async eraseSecrets() {
      await eraser.eraseSecrets();
    },
    eraseTaken: (sync) => eraser.eraseTaken(sync),
    status: () => ({
      files: files.size,
      leftAlone: [...strange, ...[...files.values()].filter((file) => file.leftAlone).map(({ name }) => name)],
      ...(guard.failure !== undefined && { failure: guard.failure }),
    }),
    async close() {
      closed = true;
      for (const timer of timers) clearInterval(timer);
      clearTimeout(soon);
      turns.close();
      await watching?.close();
      await eraser.close();
    },
  };
}

/** chokidar finds files, and the system itself tells of what is appended: a hundred times sooner. */
function watchDirectory(
  directory: string,
  notice: (name: string) => void,
  lookAtAll: () => void,
  onFailure: (error: unknown) => void,
): () => Promise<void> {
  const finder = watchFiles(directory, { depth: 0, followSymlinks: false, ignoreInitial: true });
  finder.on('add', (file) => notice(path.basename(file)));
  finder.on('error', onFailure); // the sweep finds what it cannot
  const tail = watchDirectoryNames(directory, notice, lookAtAll, onFailure);
  return async () => {
    tail?.close();
    await finder.close();
  };
}
