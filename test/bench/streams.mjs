// What agents and tools print, to events: how fast each format is read, and how much of each recording is found.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { median, report, ROOT } from './harness.mjs';

const BYTES = 16 * 1024 * 1024;
const CHUNK_BYTES = 64 * 1024;
const ROUNDS = 3;

/** The format, and the recording that is repeated until it is long enough. */
const SAMPLES = [
  ['claude', 'claude-stream/rec-2.1.197-full-nopartial.jsonl'],
  ['claude, partial messages', 'claude-stream/rec-2.1.197-full.jsonl', 'claude'],
  ['codex', 'codex-exec/rec-0.169.0-edit.jsonl'],
  ['gemini', 'gemini-stream/rec-0.61.0-policy-headless-shell-denied.jsonl'],
  ['claude-transcript', 'claude-transcripts/rec-2.1.197-full/96a87607-2ddf-4fbe-9efb-a81d888081c2.jsonl'],
  ['codex-rollout', 'codex-rollouts/rec-0.169.0-edit.jsonl'],
  ['all of text: OSC 9;4', 'osc/cargo-1.95-osc94.pty.log', 'auto'],
  ['all of text: meters', 'downloads/git-2.39.5-clone-progress.stderr', 'auto'],
  ['all of text: TAP', 'tap/node-20.20-test.tap', 'auto'],
  ['all of text: nothing in it', 'pytest/pytest-9.0.3-default.txt', 'auto'],
];

/** The sources are TypeScript, and bundles of the product do not export their parts. */
async function load() {
  const directory = mkdtempSync(path.join(tmpdir(), 'progress-bench-'));
  const outfile = path.join(directory, 'streams.mjs');
  const contents = `export * from './src/streams/interpreter.ts'; export * from './test/helpers/replay.ts';`;
  await build({
    stdin: { contents, resolveDir: ROOT },
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'warning',
    define: { 'import.meta.dirname': JSON.stringify(path.join(ROOT, 'test/helpers')) },
  });
  const module = await import(outfile);
  rmSync(directory, { recursive: true });
  return module;
}

function megabytesPerSecond({ createInterpreter }, content, format) {
  const copies = Math.max(1, Math.ceil(BYTES / content.length));
  const whole = Buffer.concat(Array.from({ length: copies }, () => content));
  const rates = Array.from({ length: ROUNDS }, () => {
    const interpreter = createInterpreter({ argv: ['x'], format, sink: { keep() {}, emit() {} } });
    const begun = performance.now();
    for (let at = 0, now = 0; at < whole.length; at += CHUNK_BYTES, now += 10) {
      interpreter.push(whole.subarray(at, at + CHUNK_BYTES), now);
    }
    interpreter.end('completed', 0);
    return whole.length / 1e6 / ((performance.now() - begun) / 1_000);
  });
  return median(rates);
}

export async function main() {
  const streams = await load();
  const recordings = new Map(streams.recordings().map((recording) => [recording.name, recording]));
  for (const [title, name, format = title] of SAMPLES) {
    const recording = recordings.get(name);
    if (!recording) report(title, '-', 'its recording is not there');
    else report(title, `${megabytesPerSecond(streams, recording.content, format).toFixed(0)} MB/s`, 'aim: 50');
  }
  console.log('\n  found/true');
  for (const [name, truth] of Object.entries(streams.TRUTH)) {
    const recording = recordings.get(name);
    if (!recording) continue;
    const { content, format } = recording;
    const found = streams.foundIn(streams.replay([content], format === undefined ? {} : { format }));
    const cells = Object.entries(truth).map(([what, value]) => `${what} ${found[what] ?? '-'}/${value}`);
    console.log(`  ${name.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/, '…').padEnd(66)} ${cells.join('  ')}`);
  }
}
