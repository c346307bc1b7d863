// Parsing rate of each format that agents and tools print.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { figure, median, missing, PRODUCT, ROOT, sized } from './harness.mjs';

const BYTES = sized(16, 1) * 1024 * 1024;
const CHUNK_BYTES = 64 * 1024;
const ROUNDS = sized(3, 1);

/** Title, recording that is repeated until it is long enough, format (default: the title). */
const SAMPLES = [
  ['claude', 'claude-stream/rec-2.1.197-full-nopartial.jsonl'],
  ['claude, partial messages', 'claude-stream/rec-2.1.197-full.jsonl', 'claude'],
  ['codex', 'codex-exec/rec-0.169.0-edit.jsonl'],
  ['gemini', 'gemini-stream/rec-0.61.0-policy-headless-shell-denied.jsonl'],
  ['claude-transcript', 'claude-transcripts/rec-2.1.197-full/96a87607-2ddf-4fbe-9efb-a81d888081c2.jsonl'],
  ['codex-rollout', 'codex-rollouts/rec-0.169.0-edit.jsonl'],
  ['all text formats: OSC 9;4', 'osc/cargo-1.95-osc94.pty.log', 'auto'],
  ['all text formats: meters', 'downloads/git-2.39.5-clone-progress.stderr', 'auto'],
  ['all text formats: TAP', 'tap/node-20.20-test.tap', 'auto'],
  ['all text formats: plain text', 'pytest/pytest-9.0.3-default.txt', 'auto'],
];

/** Bundles the interpreter of the measured checkout with this checkout's recordings: the product exports neither. */
async function load() {
  const outfile = path.join(mkdtempSync(path.join(tmpdir(), 'streams-')), 'streams.mjs');
  const contents = `
    export { createInterpreter } from ${JSON.stringify(path.join(PRODUCT, 'src/formats/interpreter.ts'))};
    export { recordings } from ${JSON.stringify(path.join(ROOT, 'test/helpers/replay.ts'))};`;
  await build({
    stdin: { contents, resolveDir: ROOT },
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'warning',
    define: { 'import.meta.dirname': JSON.stringify(path.join(ROOT, 'test/helpers')) },
  });
  return await import(outfile);
}

function megabytesPerSecond(createInterpreter, content, format) {
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
  const { createInterpreter, recordings } = await load();
  const contents = new Map(recordings().map(({ name, content }) => [name, content]));
  for (const [title, name, format = title] of SAMPLES) {
    const content = contents.get(name);
    if (!content) missing(`recording for '${title}'`, 'not in this checkout');
    else figure(title, megabytesPerSecond(createInterpreter, content, format), 'MB/s', { better: 'more', aim: 50 });
  }
}
