// Bundles test files with the sources they test. A bundled file starts in a third of the processor time that a
// TypeScript loader takes, and files that only compute share a process.
import { readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

export const OUTPUT = '.tap/bundle';

/** Folders whose tests neither start daemons nor change what other tests in their process see. */
const SHARING_FOLDERS = new Set(
  ['', 'alerts', 'core', 'journal', 'protocol', 'sessions', 'spool', 'streams', 'terminal'].map((folder) =>
    path.join('test', folder),
  ),
);

/**
 * Folders in the order in which they start: the longest files first, so that no core is idle at the end. Files that
 * are in none of them come after these.
 */
const SLOW_FIRST = ['test/fault', 'test/viewer', 'test/e2e', 'test/cli', 'test/daemon', 'test/hooks'];

/** The test files below the given files and folders, in the order in which to start them. */
export function findTests(places) {
  const rank = (file) => {
    const index = SLOW_FIRST.findIndex((folder) => file.startsWith(`${folder}/`));
    return index < 0 ? SLOW_FIRST.length : index;
  };
  return [...new Set(places.flatMap(testsIn))].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

/** Bundles the tests and returns the files to run, each a process. */
export async function bundle(tests) {
  rmSync(OUTPUT, { recursive: true, force: true });
  await build({
    entryPoints: tests,
    outdir: OUTPUT,
    outbase: '.',
    outExtension: { '.js': '.mjs' },
    chunkNames: 'chunks/[name]-[hash]',
    // first in every file, so that nothing sees another environment
    inject: ['test/harness/environment.ts'],
    bundle: true,
    splitting: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    sourcemap: 'inline',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    plugins: [{ name: 'keep import.meta', setup: ({ onLoad }) => onLoad({ filter: /\.tsx?$/ }, loadSource) }],
    logLevel: 'warning',
  });
  return shareProcesses(tests);
}

function testsIn(place) {
  if (!statSync(place).isDirectory()) return [path.normalize(place)];
  const files = readdirSync(place, { recursive: true }).filter((file) => file.endsWith('.test.ts'));
  return files.map((file) => path.join(place, file));
}

/** Tests in a sharing folder become one file that imports them. */
function shareProcesses(tests) {
  const processes = new Map();
  for (const test of tests) {
    const folder = path.dirname(test);
    const name = SHARING_FOLDERS.has(folder) ? folder : test.replace(/\.ts$/, '');
    processes.set(name, [...(processes.get(name) ?? []), test.replace(/\.ts$/, '.mjs')]);
  }
  return [...processes].map(([name, members]) => {
    if (members.length === 1) return path.join(OUTPUT, members[0]);
    const file = path.join(OUTPUT, `${name}.mjs`);
    const imports = members.map((member) => `import './${path.relative(path.dirname(name), member)}';\n`);
    writeFileSync(file, imports.join(''));
    return file;
  });
}

/** A bundled module still sees the location of its source in `import.meta`. */
async function loadSource({ path: file }) {
  const text = await readFile(file, 'utf8');
  const contents = text
    .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(file)))
    .replaceAll('import.meta.dirname', JSON.stringify(path.dirname(file)));
  return { contents, loader: file.endsWith('x') ? 'tsx' : 'ts' };
}
