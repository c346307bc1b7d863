/** Archive of executions, as a stream, and writing it to a file. */
import { existsSync } from 'node:fs';
import { link, open, rename, rm } from 'node:fs/promises';
import { hostname, userInfo } from 'node:os';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Gap } from '../../../api/messages.js';
import { loadConfig } from '../../../config/load.js';
import { errnoOf, ProgressError } from '../../../core/base/errors.js';
import type { Execution } from '../../../core/execution.js';
import { createRedact } from '../../../core/mask/redact.js';
import { openSource, readLast } from '../../../journal/reader.js';
import type { Paths } from '../../../platform/paths.js';
import { compilePattern } from '../../../platform/patterns.js';
import { cannotWrite } from '../../../platform/regular-file.js';
import { exportFiles, type ExportOptions } from './files.js';
import { type TarEntry, tarOf } from './tar.js';

const SUFFIX = '.tar.gz';
const MAX_NAME_CHARS = 60;
/** Private, as the journal is. */
const FILE_MODE = 0o600;

export interface ArchiveOptions {
  paths: Paths;
  env: NodeJS.ProcessEnv;
  redact: boolean;
  /** Called for events that the journal no longer holds. */
  onGap: (gap: Gap) => void;
}

export interface Archive {
  /** Uncompressed. */
  archive: AsyncGenerator<Buffer>;
  /** Default name of the file. */
  name: string;
}

export async function createArchive(
  executions: readonly Execution[],
  { paths, env, redact, onGap }: ArchiveOptions,
): Promise<Archive> {
  const now = Date.now();
  const through = (await readLast(openSource(paths.journal), 1, {})).events[0]?.seq ?? 0;
  const names = directoriesOf(executions);
  const hosts = [...new Set([hostname(), ...executions.flatMap(({ process: { host = [] } = {} }) => host)])];
  const owner = { home: env['HOME'] ?? userInfo().homedir, user: userName(env), hosts };
  // the journal may hold texts from before the configuration masked them
  const masks = () => loadConfig(paths.config).masks.map((source) => compilePattern(source));
  const options = { journal: paths.journal, through, now, redact: redact ? createRedact(owner, masks()) : undefined };
  return {
    archive: tarOf(entriesOf(executions, names, options, onGap), now),
    name: `${executions.length === 1 ? (names[0] ?? '') : 'progress-export'}${SUFFIX}`,
  };
}

async function* entriesOf(
  executions: readonly Execution[],
  names: readonly string[],
  options: ExportOptions,
  onGap: (gap: Gap) => void,
): AsyncGenerator<TarEntry> {
  for (const [index, execution] of executions.entries()) {
    const { entries, gaps } = await exportFiles(execution, names[index] ?? '', options);
    gaps.forEach(onGap);
    yield* entries;
  }
}

/** Names of directories, as in `progress-7hq2m4kd9x`. An ID may be any text, so two may map to the same name. */
function directoriesOf(executions: readonly Execution[]): string[] {
  const taken = new Set<string>();
  return executions.map(({ id }) => {
    const plain = `progress-${id.replace(/[^\w~-]+/g, '_').slice(0, MAX_NAME_CHARS)}`;
    let name = plain;
    for (let count = 2; taken.has(name); count++) name = `${plain}-${count}`;
    taken.add(name);
    return name;
  });
}

function userName(env: NodeJS.ProcessEnv): string {
  try {
    return userInfo().username;
  } catch {
    return env['USER'] ?? ''; // in a container, a UID may have no name
  }
}

/** Errors of a path where no file can be created. */
const BAD_NAMES = new Set(['ENOENT', 'ENOTDIR', 'EISDIR', 'ENAMETOOLONG']);

/** Writes the file atomically. @returns false if it exists and is not to be replaced */
export async function writeArchive(file: string, archive: AsyncIterable<Buffer>, force: boolean): Promise<boolean> {
  if (!force && existsSync(file)) return false;
  const draft = `${file}.${process.pid}.part`;
  try {
    const handle = await open(draft, 'wx', FILE_MODE);
    await pipeline(Readable.from(archive), createGzip(), handle.createWriteStream({ flush: true }));
    await (force ? rename(draft, file) : link(draft, file));
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    const errno = errnoOf(error);
    if (errno === undefined) throw error;
    if (!BAD_NAMES.has(errno)) throw cannotWrite(file, error);
    throw new ProgressError('usage', `${file} cannot be written: ${(error as Error).message}`, { cause: error });
  } finally {
    await rm(draft, { force: true }).catch(() => undefined); // the first error is the one to report
  }
}
