// Command line of the benchmarks: options, their checks, help.
import { parseArgs } from 'node:util';
import { MIN_RUNS } from './figures.mjs';

const ROUNDS_OF_A_COMPARISON = 5;

const OPTIONS = {
  quick: { type: 'boolean', default: false },
  rounds: { type: 'string' },
  save: { type: 'string' },
  compare: { type: 'string' },
  against: { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
};

/**
 * @param argv Arguments without node and the script.
 * @param parts Names of all parts, in order.
 * @throws {Error} For anything unknown or contradictory; the message says what to write instead.
 */
export function parseOptions(argv, parts) {
  const { values, positionals } = parseArgs({ args: argv, options: OPTIONS, allowPositionals: true });
  const unknown = positionals.find((name) => !parts.includes(name));
  if (unknown !== undefined) throw new Error(`unknown part '${unknown}'; the parts are ${parts.join(', ')}`);
  if (values.compare !== undefined && values.against !== undefined) {
    throw new Error('--compare and --against exclude each other: choose a saved file or another checkout');
  }
  const rounds = Number(values.rounds ?? (values.against === undefined ? 1 : ROUNDS_OF_A_COMPARISON));
  if (!Number.isInteger(rounds) || rounds < 1) {
    throw new Error(`--rounds must be a whole number of at least 1, not '${values.rounds}'`);
  }
  return {
    ...values,
    rounds,
    parts: positionals.length > 0 ? parts.filter((name) => positionals.includes(name)) : parts,
  };
}

/** @param parts Title of each part by name. */
export function helpText(parts) {
  const list = Object.entries(parts).map(([name, { title }]) => `  ${name.padEnd(12)}${title}`);
  return `Usage: npm run bench -- [OPTION]... [PART]...
Measure the built program, beside the peers that are installed. Without PART, all parts run in turn. Linux only.

Options:
  --quick         Reduce all sizes: shows within minutes that the benchmarks run; the figures mean nothing
  --rounds N      Run each part N times and report medians (default: 1; with --against: ${ROUNDS_OF_A_COMPARISON})
  --save FILE     Write medians, samples, commit, Node version and machine to FILE as JSON, after each part
  --compare FILE  Show each figure beside the one that --save wrote to FILE, and their ratio
  --against DIR   Measure another built checkout in turn with this one, and show the ratios
  -h, --help      Show this help

Ratios between two commits: put the older one into a worktree, build it there, then measure both in turn. Each part runs
N times on both sides, in the order old new, new old, old new, so that a slow phase of the machine affects both. Both sides
run the benchmark code of this checkout. 'better' and 'worse' mean that all runs of one side are beyond all runs of the
other, with at least ${MIN_RUNS} runs each; among many figures a few differ so by chance, so repeat a part before you believe it.

  git worktree add ../old COMMIT && (cd ../old && npm ci && npm run build)
  npm run bench -- --against ../old --rounds 7 ingest latency

--compare takes the old figures from an earlier run, so it is only as good as the machine was equally busy then; watch
the references (peers, Node alone), which no commit changes.

A peer or tool that is not installed is listed as missing. A part that fails is reported, the others run, and the exit
status is 1. Each part runs in a private temporary directory and environment; when it ends, or at SIGINT, SIGTERM or
SIGHUP, all its processes are killed and the directory is removed.

Environment:
  BENCH_NODE_FLAGS   Flags of Node for the daemon, for example --cpu-prof
  CHROMIUM           Browser for the parts 'web' and 'live' (default: /usr/bin/chromium)
  PROGRESS_LONG      If set, 'live' runs for 10 minutes

Parts:
${list.join('\n')}
`;
}
