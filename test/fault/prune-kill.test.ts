/** Wherever pruning is killed, kept events are whole, and removed ones are gone in the end or pruning has not begun. */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import t from 'tap';
import { loadConfig } from '../../src/config/load.js';
import { emptyState } from '../../src/core/state/state.js';
import { stateToJson } from '../helpers/state-json.js';
import { Ingest } from '../../src/daemon/intake/ingest.js';
import { openJournal } from '../../src/daemon/upkeep/open-journal.js';
import { pruneAlone } from '../../src/daemon/upkeep/prune-alone.js';
import { restore, writeCheckpoint } from '../../src/journal/checkpoint.js';
import { verifyJournal } from '../../src/journal/verify.js';
import type { Paths } from '../../src/platform/paths.js';
import { resolvePaths } from '../../src/platform/paths.js';
import { ROOT } from '../helpers/daemon.js';
import { filesOf, makeDirectory, readAll } from '../helpers/journal.js';
import { inject } from '../helpers/journal-writer.js';
import { shortOrLong } from '../helpers/long.js';
import { whyNo } from '../helpers/needs.js';
import { waitFor } from '../helpers/wait.js';

const CLI = path.join(ROOT, 'dist/cli.js');
const WORDS = ['prune', '--name', 'name of gone?', '--yes'];
const skip = whyNo('strace', '-o', '/dev/null', 'true');
const pathsOf = (home: string) => resolvePaths({ PROGRESS_HOME: home, HOME: home });

/** Four runs in several archives and the active segment; one of them has no end. */
async function makeHistory(paths: Paths): Promise<void> {
  mkdirSync(paths.state, { recursive: true, mode: 0o700 });
  writeFileSync(paths.config, 'journal: { segmentSize: 64KiB }\n');
  const journal = await openJournal(paths, loadConfig(paths.config), {});
  const state = emptyState();
  const ingest = new Ingest({ journal, state, now: Date.now, publish: () => undefined, onDrain: () => undefined });
  const ids = ['gone1', 'kept1', 'gone2', 'alive'];
  for (const id of ids) {
    mkdirSync(path.join(paths.runs, id), { recursive: true });
    writeFileSync(path.join(paths.runs, id, 'spec.json'), JSON.stringify({ id }));
    ingest.submit(
      { type: 'execution_started', execution: id, source: `run-${id}`, n: 1, data: { name: `name of ${id}` } },
      100,
    );
  }
  ingest.submit({ type: 'queue_changed', execution: 'gone1', data: { name: 'builds', slots: 3 } }, 100);
  for (let n = 0; n < 1_200; n++) {
    const execution = ids[n % ids.length]!;
    const data = { text: `secret of ${execution} ${'x'.repeat(200)}`, line: n };
    ingest.submit({ type: 'output', execution, source: `run-${execution}`, n: n + 2, data }, 300);
    if (n % 50 === 0) await ingest.drained();
  }
  for (const id of ids.slice(0, 3))
    ingest.submit({ type: 'execution_completed', execution: id, source: `run-${id}`, n: 9_999, data: {} }, 100);
  await ingest.drained();
  await waitFor('archives', () => filesOf(paths.journal, '.gz').length >= 3);
  await writeCheckpoint(paths.checkpoint, journal.id, state);
  await journal.close();
}

/** All files in the state directory, as one text. */
function contentOf(directory: string): string {
  return readdirSync(directory, { withFileTypes: true })
    .map((entry) => {
      const file = path.join(directory, entry.name);
      if (entry.isDirectory()) return contentOf(file);
      if (!entry.isFile()) return '';
      const bytes = readFileSync(file);
      return (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
    })
    .join('\n');
}

t.test('killed at any call that changes files', { skip, timeout: 600_000 }, async (t) => {
  const directory = makeDirectory(t);
  const original = path.join(directory, 'original');
  await makeHistory(pathsOf(original));
  const all = await readAll(pathsOf(original).journal);
  const kept = all.lines.filter((_, at) => !all.events[at]!.execution?.startsWith('gone'));
  const calls = 'rename,unlink,fsync,fdatasync,ftruncate';
  let killed = 0;
  let announced = 0;
  for (let when = 1; ; when += shortOrLong(6, 1)) {
    const home = path.join(directory, `killed-${when}`);
    const paths = pathsOf(home);
    cpSync(original, home, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
    const [file, ...args] = [...inject(calls, `signal=KILL:when=${when}`), process.execPath, CLI, ...WORDS];
    const env = { ...process.env, PROGRESS_HOME: home, HOME: home, UV_THREADPOOL_SIZE: '1' };
    const { status, signal } = spawnSync(file!, args, { env });
    if (status === 0) break;
    if (!t.equal(signal, 'SIGKILL')) return;
    killed++;

    // the next process finishes it, or knows nothing of it
    const left = await readAll(paths.journal);
    const isBegun = left.lines.some((line) => line.includes('"kind":"pruned"'));
    announced += isBegun ? 1 : 0;
    const found = left.lines.filter((line) => !line.includes('"gone') && !line.includes('journal_note'));
    t.strictSame(found, kept, `${when}: nothing else is lost`);
    await pruneAlone(paths, isBegun ? [] : ['gone1', 'gone2'], () => undefined);
    const text = contentOf(paths.state);
    t.notMatch(text, 'secret of gone', `${when}: gone from every file`);
    t.notMatch(text, 'name of gone', `${when}: from the checkpoint, too`);
    t.notOk(existsSync(path.join(paths.runs, 'gone1')), `${when}: with what it was started with`);
    t.ok(existsSync(path.join(paths.runs, 'alive')));
    t.match(
      await verifyJournal(paths.journal),
      { damage: [], gaps: [], badIndexes: [] },
      `${when}: all of it is whole`,
    );
    t.notOk(
      readdirSync(paths.journal).some((name) => name.endsWith('.tmp')),
      `${when}: nothing half-written stays`,
    );

    const config = loadConfig(paths.config);
    const journal = await openJournal(paths, config, {});
    const state = await restore(paths.checkpoint, journal.source, journal, config.memory);
    const extent = { id: journal.id, seq: journal.seq };
    const reread = await restore(path.join(home, 'none'), journal.source, extent, state.limits);
    t.strictSame([...state.alive.keys()], ['alive'], `${when}: what is alive is`);
    t.strictSame([...state.ended.keys()], ['kept1']);
    t.strictSame([...state.queues.values()], [{ name: 'builds', slots: 3 }], `${when}: queues are kept`);
    t.strictSame(state.sources.get('run-gone1')?.n, 9_999, `${when}: what was taken is not taken again`);
    t.strictSame(stateToJson(reread), stateToJson(state), `${when}: the journal alone yields the same`);
    t.equal(journal.pruning, undefined, `${when}: nothing is left to do`);
    await journal.close();
    if (!t.passing()) return;
  }
  t.ok(announced > 1 && announced < killed, `killed ${killed} times, ${announced} of these after the note`);
});
