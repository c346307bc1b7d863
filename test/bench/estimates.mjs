// Errors of estimates of the remaining time, beside those of tqdm's and Ninja's methods on the same builds.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { figure, missing, PRODUCT, ROOT, sized } from './harness.mjs';

const RUNS = sized(200, 20);
const JITTER = 0.1;
const SEED = 17;
const AIM = 10;
const METHODS = ['progress', 'tqdm', 'ninja'];

/** Bundles the estimates of the measured checkout with this checkout's builds and methods. */
async function load() {
  const outfile = path.join(mkdtempSync(path.join(tmpdir(), 'estimates-')), 'estimates.mjs');
  const helper = (name) => JSON.stringify(path.join(ROOT, 'test/helpers', name));
  const contents = `
    export { compareMethods } from ${helper('estimate-methods.ts')};
    export * from ${helper('builds.ts')};
    export { createRandom } from ${helper('random.ts')};`;
  await build({
    stdin: { contents, resolveDir: ROOT },
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'warning',
    plugins: [measured],
  });
  return await import(outfile);
}

/** Takes sources of the program from the measured checkout. */
const measured = {
  name: 'measured',
  setup({ onResolve }) {
    onResolve({ filter: /\/src\/.*\.js$/ }, ({ path: file, resolveDir }) => {
      const source = path.relative(ROOT, path.resolve(resolveDir, file)).replace(/\.js$/, '.ts');
      return source.startsWith('src/') ? { path: path.join(PRODUCT, source) } : undefined;
    });
  },
};

export async function main() {
  const { compareMethods, createRandom, recordedBuilds, syntheticBuilds, ...plans } = await load();
  const synthetic = (plan, slots) => syntheticBuilds(plan, slots, RUNS, JITTER, createRandom(SEED));
  const sets = [
    ...[...recordedBuilds()].map(([name, builds]) => [`recorded ${name}`, builds]),
    ['steps of 2, 6, 2 s', synthetic(plans.SERIAL_PLAN, 1)],
    ['10 steps, 3 at a time', synthetic(plans.PARALLEL_PLAN, 3)],
  ];
  for (const [name, builds] of sets) {
    for (const { at, errors, estimates, builds: judged, inRange } of compareMethods(name, builds)) {
      for (const method of METHODS) {
        const title = `${name}, ${builds.length} builds, error at ${at * 100}%: ${method}`;
        if (estimates[method] === 0) {
          missing(title, 'no estimate');
          continue;
        }
        const note = estimates[method] < judged ? `${estimates[method]} of ${judged} builds` : undefined;
        const own = { better: 'less', ...(at === 0.5 && { aim: AIM }) };
        figure(title, errors[method] * 100, '% of the duration', { ...(method === 'progress' && own), note });
      }
      figure(`${name}, ${builds.length} builds, in range at ${at * 100}%`, inRange * 100, '%', { note: 'meant: 60 %' });
    }
  }
}
