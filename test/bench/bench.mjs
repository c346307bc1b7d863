// The benchmark run: each part in turn, on one or two checkouts, with tables, a saved file and an exit status.
import { accessSync, constants } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { compare, comparisonTable, summarize, tableOf } from './figures.mjs';
import { differences, identify, load, nameOf, save } from './measurement.mjs';
import { helpText, parseOptions } from './options.mjs';
import { runInside, runPart } from './supervisor.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Only a part that hangs takes this long. */
const DEADLINE_MS = 60 * 60_000;
const QUICK_DEADLINE_MS = 5 * 60_000;
/** The socket of a daemon is 64 bytes longer, and the path of a socket has at most 103. */
const MAX_TMPDIR_BYTES = 39;
const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };

/**
 * Runs benchmarks as the command line says.
 * @param parts By name: { title, run }.
 * @returns The exit status: 0, 1 if a part failed, 2 for wrong usage, 128 and the number of a signal that ended it.
 */
export async function bench(parts, argv) {
  const inside = parts[process.env.BENCH_PART];
  if (inside) return await runInside(inside);
  let options;
  try {
    options = parseOptions(argv, Object.keys(parts));
    if (!options.help) options = prepare(options);
  } catch (error) {
    console.error(`bench: ${error.message}`);
    return 2;
  }
  if (!options.help) return await measureAll(parts, options);
  process.stdout.write(helpText(parts));
  return 0;
}

/** Finds errors of the command line before anything is measured. */
function prepare(options) {
  if (process.platform !== 'linux') throw new Error('the benchmarks read /proc, so they run on Linux only');
  if (Buffer.byteLength(tmpdir()) > MAX_TMPDIR_BYTES) {
    throw new Error(
      `${tmpdir()} is too long for sockets in it; set TMPDIR to a path of at most ${MAX_TMPDIR_BYTES} bytes`,
    );
  }
  if (options.save !== undefined) accessSync(path.dirname(path.resolve(options.save)), constants.W_OK);
  const side = (root) => ({ root, ...identify(root), figures: [], failed: [], missing: [] });
  const sides = [side(ROOT), ...(options.against === undefined ? [] : [side(path.resolve(options.against))])];
  const saved = options.compare === undefined ? undefined : load(options.compare, options.quick);
  return { ...options, sides, saved };
}

async function measureAll(parts, options) {
  const { sides, saved } = options;
  const interrupted = new Promise((resolve) => {
    for (const signal of Object.keys(SIGNALS)) process.on(signal, () => resolve(signal));
  });
  printHead(options);
  for (const name of options.parts) {
    console.log(`\n${name}: ${parts[name].title}`);
    const signal = await measurePart(name, options, interrupted);
    if (signal) {
      console.log(`\nInterrupted by ${signal}; the processes of the benchmark have been ended`);
      return SIGNALS[signal];
    }
    printPart(name, sides, saved);
    if (options.save !== undefined) saveSides(options);
  }
  return printSummary(options);
}

/** All rounds of a part on all sides; its second round begins with the other side. Returns the signal that ended it. */
async function measurePart(name, { sides, rounds, quick }, interrupted) {
  const runs = new Map(sides.map((side) => [side, []]));
  for (let round = 0; round < rounds; round++) {
    // the older one first, then the newer one first
    for (const side of round % 2 === 0 ? sides.toReversed() : sides) {
      if (side.failed.some(({ part }) => part === name)) continue;
      const deadlineMs = quick ? QUICK_DEADLINE_MS : DEADLINE_MS;
      const outcome = await runPart(name, { product: side.root, quick, deadlineMs, interrupted });
      if (outcome.signal) return outcome.signal;
      runs.get(side).push(outcome);
      if (outcome.error !== undefined) side.failed.push({ part: name, message: outcome.error });
    }
  }
  for (const [side, outcomes] of runs) {
    const figures = summarize(outcomes.map((outcome) => outcome.figures));
    side.figures.push(...figures.map((figure) => ({ part: name, ...figure })));
    side.missing.push(...(outcomes[0]?.missing ?? []).map((missing) => ({ part: name, ...missing })));
  }
  return undefined;
}

function printHead({ sides: [own, other], saved, quick, rounds }) {
  if (quick) console.log('QUICK: all sizes are reduced; this shows that the benchmarks run, the figures mean nothing');
  console.log(`Measured: ${nameOf(own)}, Node ${process.version}${rounds > 1 ? `, medians of ${rounds} runs` : ''}`);
  if (other) console.log(`Against: ${nameOf(other)}`);
  if (!saved) return;
  console.log(`Compared with: ${nameOf(saved)} of ${saved.time}`);
  for (const difference of differences(saved)) console.log(`warning: not the same machine: ${difference}`);
}

function printPart(name, [own, other], saved) {
  const of = ({ figures }) => figures.filter(({ part }) => part === name);
  const baseline = other ?? saved;
  for (const line of baseline ? comparisonTable(compare(of(baseline), of(own))) : tableOf(of(own))) console.log(line);
  for (const { part, name: peer, reason } of own.missing) {
    if (part === name) console.log(`  missing: ${peer} (${reason})`);
  }
  for (const side of other ? [own, other] : [own]) {
    for (const { part, message } of side.failed) {
      if (part === name) console.log(`  FAILED${other ? ` on ${nameOf(side)}` : ''}: ${message}`);
    }
  }
}

function saveSides({ save: file, sides, quick, rounds }) {
  // the file is independent of where the checkouts are
  const [own, against] = sides.map((side) => ({ ...side, root: undefined }));
  save(file, { quick, rounds, ...own, ...(against && { against }) });
}

function printSummary({ parts, sides, save: file }) {
  const failed = new Set(sides.flatMap((side) => side.failed.map(({ part }) => part)));
  const missing = new Set(sides[0].missing.map(({ name }) => name));
  console.log(`\n${parts.length} parts, ${failed.size} failed${failed.size > 0 ? `: ${[...failed].join(', ')}` : ''}`);
  if (missing.size > 0) console.log(`Missing: ${[...missing].join(', ')}`);
  if (file !== undefined) console.log(`Saved to ${file}`);
  return failed.size > 0 ? 1 : 0;
}
