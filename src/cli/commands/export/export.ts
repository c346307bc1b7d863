/** `progress export`: writes executions to an archive, from the files of the journal. */
import { existsSync } from 'node:fs';
import { link, open, rename, rm } from 'node:fs/promises';
import { hostname, userInfo } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { loadConfig } from '../../../config/load.js';
import type { Execution } from '../../../core/execution.js';
import { createRedact } from '../../../core/mask/redact.js';
import { errnoOf, ProgressError } from '../../../core/base/errors.js';
import { cannotWrite } from '../../../platform/regular-file.js';
import { openSource, readLast } from '../../../journal/reader.js';
import { compilePattern } from '../../../platform/patterns.js';
import { defineCommand } from '../../command.js';
import { ANY_IDS } from '../../options.js';
import { gapText } from '../../shared/stream-errors.js';
import { exportFiles, type ExportOptions } from './files.js';
import { findAnywhere } from '../../shared/offline.js';
import { complain, printLines } from '../../shared/output.js';
import { type TarEntry, tarOf } from './tar.js';

const STDOUT = '-';
const SUFFIX = '.tar.gz';
const MAX_NAME_CHARS = 60;
/** Private, as the journal is. */
const FILE_MODE = 0o600;

export const command = defineCommand({
  verb: 'export',
  describe: 'Write executions to an archive',
  positionals: { ids: { required: true, many: true, describe: ANY_IDS } },
  options: {
    output: { type: 'string', alias: 'o', value: 'file', describe: 'File to write, or - for standard output' },
    redact: { type: 'boolean', describe: 'Remove secrets, and names of user, host and home' },
    force: { type: 'boolean', describe: 'Replace an existing file' },
  },
  async run({ ids, output, redact = false, force = false }, { paths, env }) {
    const now = Date.now();
    const through = (await readLast(openSource(paths.journal), 1, {})).events[0]?.seq ?? 0;
    const found = await Promise.all(ids.map((id) => findAnywhere(paths, id)));
    const executions = [...new Map(found.map((execution) => [execution.id, execution])).values()];
    const names = directoriesOf(executions);
    const hosts = [...new Set([hostname(), ...executions.flatMap(({ process: { host = [] } = {} }) => host)])];
    const owner = { home: env['HOME'] ?? userInfo().homedir, user: userName(env), hosts };
    // the journal may hold texts from before the configuration masked them
    const masks = () => loadConfig(paths.config).masks.map((source) => compilePattern(source));
    const options = { journal: paths.journal, through, now, redact: redact ? createRedact(owner, masks()) : undefined };
    const archive = tarOf(entriesOf(executions, names, options), now);
    if (output === STDOUT) {
      if (process.stdout.isTTY)
        throw new ProgressError('usage', 'refusing to write an archive to a terminal; redirect stdout or use -o FILE');
      await pipeline(Readable.from(archive), createGzip(), process.stdout);
      return 0;
    }
    const file = path.resolve(output ?? `${executions.length === 1 ? (names[0] ?? '') : 'progress-export'}${SUFFIX}`);
    if (!force && existsSync(file)) throw alreadyThere(file);
    await writeFile(file, archive, force);
    await printLines([path.relative('.', file)]);
    return 0;
  },
});

async function* entriesOf(
  executions: readonly Execution[],
  names: readonly string[],
  options: ExportOptions,
): AsyncGenerator<TarEntry> {
  for (const [index, execution] of executions.entries()) {
    const { entries, gaps } = await exportFiles(execution, names[index] ?? '', options);
    for (const gap of gaps) complain(gapText(gap));
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

function alreadyThere(file: string): ProgressError {
  return new ProgressError('usage', `${file} exists; use --force to replace it`);
}

/** Errors of a path where no file can be created. */
const BAD_NAMES = new Set(['ENOENT', 'ENOTDIR', 'EISDIR', 'ENAMETOOLONG']);

/** Writes the file atomically; an existing file is replaced only with `force`. */
async function writeFile(file: string, archive: AsyncIterable<Buffer>, force: boolean): Promise<void> {
  const draft = `${file}.${process.pid}.part`;
  try {
    const handle = await open(draft, 'wx', FILE_MODE);
    await pipeline(Readable.from(archive), createGzip(), handle.createWriteStream({ flush: true }));
    await (force ? rename(draft, file) : link(draft, file));
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') throw alreadyThere(file);
    const errno = errnoOf(error);
    if (errno === undefined) throw error;
    if (!BAD_NAMES.has(errno)) throw cannotWrite(file, error);
    throw new ProgressError('usage', `${file} cannot be written: ${(error as Error).message}`, { cause: error });
  } finally {
    await rm(draft, { force: true }).catch(() => undefined); // the first error is the one to report
  }
}
