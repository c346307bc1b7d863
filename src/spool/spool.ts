/** The directory of spool files: finds them, hears of what is appended, reads on, and clears away what is over. */
import { lstatSync, readdirSync, unlinkSync, watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import path from 'node:path';
import { watch as watchFiles } from 'chokidar';
import { errnoOf, ProgressError } from '../errors.js';
import type { SpoolStatus } from '../protocol/messages.js';
import { BRIEF_KINDS, parseSpoolName, SHARED_NAME, SPOOL_SUFFIX } from './names.js';
import type { Shared } from './shared.js';
import { isNewestShared, nameShared, rotateShared } from './shared.js';
import type { FileOptions, SpoolFile } from './spool-file.js';
import { openSpoolFile } from './spool-file.js';
import { isWriterAlive } from './writer.js';

export interface SpoolOptions extends Pick<FileOptions, 'directory' | 'submit' | 'reject' | 'log' | 'now'> {
  /** Makes the directory, or throws when it must not be used. */
  ensureDirectory: () => void;
  /** Where the journal says that a source was read to. */
  takenOf: (source: string) => number | undefined;
  /** Is all that the journal has of a source safe from power loss? */
  isSynced: (source: string) => boolean;
  /** May more be handed in? If not, `resume` is called when it may. */
  isFull: () => boolean;
  /** A writer is gone, and everything it wrote is in the journal. May be told again. */
  onWriterGone: (source: string) => void;
  /** Milliseconds between two looks at everything. */
  sweepMs?: number;
}

export interface Spool {
  /** Is this source still being read? Then its position must not be forgotten. */
  isOpen(source: string): boolean;
  resume(): void;
  /** Reads what a source has here; true when there is nothing more of it, so that it may be asked again and again. */
  look(source: string): boolean;
  status(): SpoolStatus;
  close(): Promise<void>;
}

/** The safety net under what the system tells of changes. */
const SWEEP_MS = 30_000;
/** And once soon after the start, when what lay there is taken: whose writer is gone? */
const SETTLE_MS = 1_000;
/** After something could not be written, a full disk for instance. */
const RETRY_MS = 2_000;
/** A new shared file is begun beyond this. */
const SHARED_BYTES = 4 * 1024 * 1024;
/**
 * Kept for so long after its last use: the journal may lose its newest second by power loss, and then reads it again;
 * and what a shell leaves running in the background may still write. That of a runner or a hook goes as soon as the disk has it.
 */
const KEEP_MS = 60 * 60 * 1000;

export function openSpool(options: SpoolOptions): Spool {
  const { directory, log, now, isFull, sweepMs = SWEEP_MS } = options;
  const files = new Map<string, SpoolFile>();
  /** Names that are no spool file's, and whatever stands in the place of the shared one: said once. */
  const strange = new Set<string>();
  /** To be read, the one that has waited longest first. */
  const dirty = new Set<SpoolFile>();
  const retries = new Set<NodeJS.Timeout>();
  let shared: Shared | undefined;
  let scheduled = false;
  let closed = false;
  let watching: { inode: number; close: () => Promise<void> } | undefined;
  let failure: string | undefined;

  const guard = (task: () => void) => {
    try {
      task();
    } catch (error) {
      const { message } = ProgressError.from(error);
      if (message !== failure) log(`spool: ${message}`);
      failure = message;
    }
  };

  const schedule = () => {
    if (scheduled || closed || dirty.size === 0) return;
    scheduled = true;
    // sockets have their turn in between
    setImmediate(() => {
      scheduled = false;
      guard(readOne);
      if (!isFull()) schedule();
    });
  };

  const readOne = () => {
    const [file] = dirty;
    if (file !== undefined) readFile(file);
  };

  const readFile = (file: SpoolFile) => {
    if (closed || isFull()) return;
    dirty.delete(file);
    const look = file.read();
    if (look === 'more') dirty.add(file);
    if (look === 'gone') forget(file);
    if (look === 'done' && file.name === shared?.name && file.size > SHARED_BYTES) {
      rotateShared(directory);
      notice(SHARED_NAME);
    }
  };

  const forget = (file: SpoolFile) => {
    files.delete(file.name);
    dirty.delete(file);
    if (file.name === shared?.name) shared = undefined;
  };

  const touch = (file: SpoolFile) => {
    dirty.add(file);
    schedule();
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
      onRefused: () => {
        const timer = setTimeout(() => {
          retries.delete(timer);
          file.rewind();
          touch(file);
        }, RETRY_MS);
        retries.add(timer);
      },
    });
    files.set(name, file);
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
    if (file) touch(file);
  };

  const exists = (name: string) => lstatSync(path.join(directory, name), { throwIfNoEntry: false }) !== undefined;

  /** Everything there is, whatever was told of it. */
  const sweep = () =>
    guard(() => {
      rewatch();
      for (const name of readdirSync(directory)) notice(name);
      for (const name of strange) if (!exists(name)) strange.delete(name);
      for (const file of files.values()) clear(file);
      failure = undefined;
    });

  const clear = (file: SpoolFile) => {
    const { parsed, idleSince, name } = file;
    if (idleSince === undefined || file.leftAlone !== undefined) return;
    const isOver =
      parsed.writer === undefined ? !isNewestShared(directory, name) : !isWriterAlive(parsed.writer, idleSince, now());
    if (!isOver) return;
    if (parsed.writer !== undefined) options.onWriterGone(parsed.source);
    const isSafe = BRIEF_KINDS.has(parsed.kind) && options.isSynced(parsed.source);
    if (!isSafe && now() - idleSince < KEEP_MS) return;
    unlinkSync(path.join(directory, name));
    forget(file);
  };

  /** The directory may have been removed, and made again. */
  const rewatch = () => {
    options.ensureDirectory();
    const inode = lstatSync(directory).ino;
    if (watching?.inode === inode) return;
    void watching?.close();
    watching = { inode, close: watchDirectory(directory, (name) => guard(() => notice(name)), sweep) };
  };

  const timer = setInterval(sweep, sweepMs);
  const soon = setTimeout(sweep, Math.min(sweepMs, SETTLE_MS));
  sweep();

  return {
    isOpen: (source) => files.has(source + SPOOL_SUFFIX),
    resume: schedule,
    look(source) {
      const name = source + SPOOL_SUFFIX;
      const size = lstatSync(path.join(directory, name), { throwIfNoEntry: false })?.size;
      const file = files.get(name);
      if (size === undefined || file?.leftAlone !== undefined) return true;
      if (file?.size === size) return file.idleSince !== undefined && !dirty.has(file);
      guard(() => notice(name));
      return false;
    },
    status: () => ({
      files: files.size,
      leftAlone: [...strange, ...[...files.values()].filter((file) => file.leftAlone).map(({ name }) => name)],
      ...(failure !== undefined && { failure }),
    }),
    async close() {
      closed = true;
      clearInterval(timer);
      clearTimeout(soon);
      for (const retry of retries) clearTimeout(retry);
      await watching?.close();
    },
  };
}

/**
 * chokidar finds files, and the system itself tells of what is appended: a hundred times sooner, and of the last of
 * two quick changes too.
 */
function watchDirectory(directory: string, notice: (name: string) => void, lookAtAll: () => void): () => Promise<void> {
  const finder = watchFiles(directory, { depth: 0, followSymlinks: false, ignoreInitial: true });
  finder.on('add', (file) => notice(path.basename(file)));
  finder.on('error', () => undefined); // the sweep finds what it cannot
  let tail: FSWatcher | undefined;
  try {
    tail = watch(directory, (_event, name) => {
      if (name === null) lookAtAll();
      else notice(name);
    });
    tail.on('error', () => tail?.close());
  } catch (error) {
    if (errnoOf(error) === undefined) throw error; // too many watches, or a file system without any
  }
  return async () => {
    tail?.close();
    await finder.close();
  };
}
