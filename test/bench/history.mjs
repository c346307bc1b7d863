// Search of a whole history, archives included, relative to zcat | grep over the same files.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { figure, mebibytes, median, openClient, PRODUCT, sized, startDaemon, waitFor } from './harness.mjs';

const MEBIBYTES = sized(1024, 48);
const ROUNDS = sized(3, 1);
/** In the middle of a rare line. */
const NEEDLE = 'needle-in-hay';
const RARE = 100_003;
const BATCH = 5_000;
/** Events of one execution, such as a build. */
const LINES = 65_536;
const WORDS =
  'compile link test module cache fetch resolve package warning request served worker queue retry batch'.split(' ');

export async function main() {
  const home = mkdtempSync(path.join(tmpdir(), 'home-'));
  const { packed, files, hits } = await makeHistory(home);
  figure(`size on disk of ${MEBIBYTES} MiB`, mebibytes(packed), 'MiB', { better: 'less' });
  const logs = (...args) => [process.execPath, [path.join(PRODUCT, 'dist/cli.js'), 'logs', ...args]];
  // the newest file is plain: zcat -f passes it on unchanged
  const peer = measure(home, ['sh', ['-c', `zcat -f -- "$@" | grep -c ${NEEDLE}`, 'sh', ...files]], hits);
  figure('zcat | grep', peer, 's');
  const searches = [
    ['logs --grep', logs('-c', '--grep', NEEDLE), 2],
    ['logs --grep, case-insensitive', logs('-c', '--grep', NEEDLE.toUpperCase(), '-i')],
    ['logs --grep, alternatives', logs('-c', '--grep', 'needle-(on|in)-hay|nothing like it')],
  ];
  for (const [name, command, aim] of searches) {
    const taken = measure(home, command, hits);
    figure(name, taken, 's', { better: 'less' });
    figure(`${name}, relative to zcat | grep`, taken / peer, 'x', { better: 'less', aim });
  }
  figure('logs --tail 100', measure(home, logs('--tail', '100')), 's', { better: 'less' });
}

/** The median of several runs in seconds; each of them must find all hits. */
function measure(home, [file, args], hits) {
  const env = { ...process.env, PROGRESS_HOME: home };
  const times = Array.from({ length: ROUNDS }, () => {
    const begun = performance.now();
    const { stdout, stderr, status } = spawnSync(file, args, { env, encoding: 'utf8', maxBuffer: 2 ** 28 });
    if (status !== 0 || (hits !== undefined && Number(stdout) !== hits)) {
      throw new Error(`${hits ?? 'no'} hits expected, status ${status}: ${stdout.slice(-500)}${stderr}`);
    }
    return (performance.now() - begun) / 1_000;
  });
  return median(times);
}

/** Writes lines of builds through a daemon, until all but the newest segment are compressed. */
async function makeHistory(home) {
  const daemon = await startDaemon({ home, config: 'journal: { retainSize: 64GiB }\n' });
  let acked = -1;
  const client = await openClient(daemon.socket, ({ ack }) => (acked = ack?.n ?? acked));
  await client.request('hello', { ack: true });
  const line = createLines();
  let sent = 0;
  let hits = 0;
  let bytes = 0;
  while (bytes < MEBIBYTES * 1024 ** 2) {
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
  const plain = () => names().filter((name) => name.endsWith('.jsonl')).length;
  for (let left = plain(); left > 1; left = plain()) {
    await waitFor('the next segment to be compressed', () => plain() < left, 200);
  }
  client.close();
  await daemon.stop({ keep: true });
  const files = names().map((name) => path.join(daemon.journal, name));
  return { packed: files.reduce((sum, file) => sum + statSync(file).size, 0), files, hits };
}

/** Texts that compress about as well as logs do; the same in each run. */
function createLines() {
  let seed = 7;
  const random = (below) => Math.floor(((seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32) * below);
  const word = () => WORDS[random(WORDS.length)];
  return (n) =>
    `[${n}] ${word()} /usr/lib/${word()}/${random(1e6).toString(36)}.o in ${random(1_000)} ms, ${word()} ${random(1e9).toString(16)}`;
}
