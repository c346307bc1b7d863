/** Starts the fixture that writes a journal, optionally under strace, and records its acknowledgements. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { Journal } from '../../src/journal/journal.js';
import { openSource, readJournal } from '../../src/journal/reader.js';
import { verifyJournal } from '../../src/journal/verify.js';
import type { WriterTask } from '../fixtures/journal-writer.js';
import { CLOCK, filesOf, makeBatch, UNLIMITED } from './journal.js';

export interface Outcome {
  /** Its output, split into words. */
  said: string[][];
  /** n of events that were acknowledged as written. */
  written: Set<number>;
  /** The highest n acknowledged as synced. */
  synced: number;
  /** Maximum number of events written and not synced. */
  lag: number;
  failures: string[];
  notes: string[];
  /** Exit status and signal. */
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** Exit status after the requested number of failures. */
const GAVE_UP = 3;

/** `wrapper`: words before the command line. `killAfterMs`: delay after the first acknowledgement. */
export async function runWriter(
  program: string,
  task: WriterTask,
  { wrapper = [], killAfterMs, threads = 1 }: { wrapper?: string[]; killAfterMs?: number; threads?: number } = {},
): Promise<Outcome> {
  const [file, ...args] = [...wrapper, process.execPath, program, JSON.stringify(task)];
  // with one thread in the pool, strace counts calls exactly
  const env = { ...process.env, UV_THREADPOOL_SIZE: String(threads) };
  const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  let complaints = '';
  let timer: NodeJS.Timeout | undefined;
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    if (killAfterMs !== undefined && chunk.includes('written'))
      timer ??= setTimeout(() => child.kill('SIGKILL'), killAfterMs);
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (complaints += chunk));
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.once('error', reject).once('close', (...end) => resolve(end));
  });
  clearTimeout(timer);
  if (code !== 0 && code !== GAVE_UP && signal !== 'SIGKILL')
    console.error(`the writer ended with ${signal ?? code}:\n${complaints}`);
  return outcomeOf(text, code, signal);
}

function outcomeOf(text: string, code: number | null, signal: NodeJS.Signals | null): Outcome {
  const said = text
    .split('\n')
    .slice(0, -1)
    .map((line) => line.split(' '));
  const outcome: Outcome = { said, written: new Set(), synced: 0, lag: 0, failures: [], notes: [], code, signal };
  for (const [verb, first = '', last = '', lag = ''] of said) {
    if (verb === 'written') for (let n = Number(first); n <= Number(last); n++) outcome.written.add(n);
    if (verb === 'written') outcome.lag = Math.max(outcome.lag, Number(lag));
    if (verb === 'synced') outcome.synced = Number(first);
    if (verb === 'failed') outcome.failures.push(first);
    if (verb === 'note') outcome.notes.push(first);
  }
  return outcome;
}

/** Words that run a program under strace, which injects a fault into certain calls and logs all of them. */
export function inject(calls: string, what: string, paths: string[] = [], log = '/dev/null'): string[] {
  const only = paths.flatMap((path) => ['-P', path]);
  return ['strace', '-f', '-y', '-qq', '-o', log, ...only, '-e', `trace=${calls}`, '-e', `inject=${calls}:${what}`];
}

/** Opens the journal after a crash, appends, and reads. Returns all faults. */
export async function findFaults(
  directory: string,
  outcome: Pick<Outcome, 'written'>,
  options: { exact?: boolean } = {},
): Promise<string[]> {
  const faults: string[] = [];
  if (!existsSync(directory)) return outcome.written.size > 0 ? ['everything is gone'] : [];
  const journal = await Journal.open({
    ...UNLIMITED,
    directory,
    now: () => CLOCK + 60_000,
    uptime: () => 0, // no compression meanwhile
  });
  const appended = makeBatch(journal.nextSeq, 3);
  await journal.write(appended);
  await journal.close();

  const found: number[] = [];
  let last = 0;
  for await (const part of readJournal(openSource(directory))) {
    if ('gap' in part) faults.push(`gap ${JSON.stringify(part.gap)}`);
    else {
      for (const { seq, n } of part.events) {
        if (seq <= last) faults.push(`seq ${seq} after ${last}`);
        last = seq;
        if (n !== undefined) found.push(n);
      }
    }
  }
  if (last !== appended.events.at(-1)?.seq) faults.push('what was appended is not at the end');
  const unique = new Set(found);
  if (unique.size !== found.length) faults.push('an event is there twice');
  for (const n of outcome.written) if (!unique.has(n)) faults.push(`${n} was acknowledged and is gone`);
  if (options.exact && unique.size > outcome.written.size) faults.push('events are there that were refused');
  const { damage } = await verifyJournal(directory);
  if (damage.length > 0) faults.push(`damage ${JSON.stringify(damage)}`);
  const twice = filesOf(directory, '.jsonl.gz').filter((name) => existsSync(`${directory}/${name.replace('.gz', '')}`));
  for (const name of [...twice, ...filesOf(directory, '.tmp')]) faults.push(`${name} is left over`);
  return faults;
}
