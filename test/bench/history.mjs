// The search of a whole history, archives included, against zcat | grep over the same files.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { megabytes, median, openClient, report, ROOT, startDaemon, waitFor } from './harness.mjs';

const MEGABYTES = Number(process.env.MEGABYTES ?? 1024);
const ROUNDS = Number(process.env.ROUNDS ?? 3);
/** In the middle of a rare line. */
const NEEDLE = 'needle-in-hay';
const RARE = 100_003;
const BATCH = 5_000;
/** Events of one execution, a build for instance. */
const LINES = 65_536;
const WORDS =
  'compile link test module cache fetch resolve package warning request served worker queue retry batch'.split(' ');

export async function main() {
  const home = mkdtempSync(path.join(tmpdir(), 'progress-bench-'));
  try {
    const { plain, packed, files, hits } = await makeHistory(home);
    report('history, and what it takes on disk', megabytes(plain), megabytes(packed));
    const shell = (script) => ['sh', ['-c', script, 'sh', ...files]];
    const logs = (...args) => [process.execPath, [path.join(ROOT, 'dist/cli.js'), 'logs', ...args]];
    // the newest file is plain: zcat -f hands it on as it is
    const peer = measure(home, shell(`zcat -f -- "$@" | grep -c ${NEEDLE}`), hits);
    report('zcat | grep', seconds(peer));
    const parts = [
      ['logs --grep', logs('-c', '--grep', NEEDLE), 'aim: at most 2'],
      ['logs --grep, upper and lower case the same', logs('-c', '--grep', NEEDLE.toUpperCase(), '-i')],
      ['logs --grep, one of several texts', logs('-c', '--grep', 'needle-(on|in)-hay|nothing like it')],
    ];
    for (const [what, command, aim] of parts) {
      const taken = measure(home, command, hits);
      report(what, seconds(taken), `${(taken / peer).toFixed(2)} of zcat | grep${aim ? `; ${aim}` : ''}`);
    }
    report('logs --tail 100', seconds(measure(home, logs('--tail', '100'))));
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

const seconds = (ms) => `${(ms / 1_000).toFixed(2)} s`;

/** The median; everything has to be found each time. */
function measure(home, [file, args], hits) {
  const env = { ...process.env, PROGRESS_HOME: home };
  const times = Array.from({ length: ROUNDS }, () => {
    const begun = performance.now();
    const { stdout, stderr, status } = spawnSync(file, args, { env, encoding: 'utf8', maxBuffer: 2 ** 28 });
    if (status !== 0 || (hits !== undefined && Number(stdout) !== hits))
      throw new Error(`${hits} hits wanted: ${stdout}${stderr}`);
    return performance.now() - begun;
  });
  return median(times);
}

/** Lines of builds, through a daemon, until all but the newest segment are compressed. */
async function makeHistory(home) {
  const daemon = await startDaemon({ home, config: 'journal: { retainSize: 64GiB }\n' });
  let acked = -1;
  const client = await openClient(daemon.socket, ({ ack }) => (acked = ack?.n ?? acked));
  await client.request('hello', { ack: true });
  const line = createLines();
  let sent = 0;
  let hits = 0;
  let bytes = 0;
  while (bytes < MEGABYTES * 1024 * 1024) {
    let batch = '';
    for (const end = sent + BATCH; sent < end; sent++) {
      const isRare = sent % RARE === 77;
      hits += isRare ? 1 : 0;
      const data = { stream: 'stdout', line: sent, text: line(sent) + (isRare ? ` ${NEEDLE}` : '') };
      batch += `${JSON.stringify({ type: 'output', execution: `build-${Math.floor(sent / LINES)}`, source: 'bench', n: sent, data })}\n`;
    }
    bytes += batch.length + BATCH * '"seq":1790000000000001,"time":"2026-11-20T12:48:46.123Z",'.length;
    if (!client.socket.write(batch)) await new Promise((resolve) => client.socket.once('drain', resolve));
  }
  await waitFor('the last acknowledgement', () => acked === sent - 1);
  const names = () => readdirSync(daemon.journal).filter((name) => /^\d+\.jsonl(\.gz)?$/.test(name));
  for (let left = Infinity; left > 1;) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    left = names().filter((name) => name.endsWith('.jsonl')).length;
  }
  client.close();
  await daemon.stop({ keep: true });
  const files = names().map((name) => path.join(daemon.journal, name));
  return { plain: bytes, packed: files.reduce((sum, file) => sum + statSync(file).size, 0), files, hits };
}

/** Texts that compress about as well as logs do, the same each time. */
function createLines() {
  let seed = 7;
  const random = (below) => Math.floor(((seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32) * below);
  const word = () => WORDS[random(WORDS.length)];
  return (n) =>
    `[${n}] ${word()} /usr/lib/${word()}/${random(1e6).toString(36)}.o in ${random(1_000)} ms, ${word()} ${random(1e9).toString(16)}`;
}
