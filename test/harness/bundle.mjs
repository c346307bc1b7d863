// Bundles test files with the sources they test. A bundled file starts in a third of the processor time that a
// TypeScript loader takes, and files that only compute share a process.
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

/** Of this run alone, so that several can run in one checkout. */
export const OUTPUT = `.tap/bundle-${process.pid}`;

/** Folders whose tests neither start daemons nor change what other tests in their process see. */
const SHARING_FOLDERS = new Set(
  ['', 'alerts', 'core', 'journal', 'protocol', 'sessions', 'spool', 'streams', 'terminal'].map((folder) =>
    path.join('test', folder),
  ),
);

/** Folders of the longest tests: started first, so that none of these runs alone at the end. */
const LONG_FOLDERS = ['viewer', 'hooks', 'cli'].map((folder) => path.join('test', folder));

/** The test files below the given files and folders, in the order in which to start them. */
export function findTests(places) {
  const tests = [...new Set(places.flatMap(testsIn))].sort();
  const isLong = (test) => LONG_FOLDERS.includes(path.dirname(test));
  return [...tests.filter(isLong), ...tests.filter((test) => !isLong(test))];
}

/**
 * Bundles the tests.
 *
 * @returns `{ name, file }` of each process to run; the name is that of the test file, or of the folder whose files
 *   share a process
 */
export async function bundle(tests) {
  await Promise.all(['tap', 'yargs'].map(bundlePackage));
  await build({
    entryPoints: tests,
    outdir: OUTPUT,
    outbase: '.',
    outExtension: { '.js': '.mjs' },
    chunkNames: 'chunks/[name]-[hash]',
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

/** Puts a package where the bundles find it, as one file: the hundreds of files of tap take twice the time to load. */
async function bundlePackage(name) {
  const directory = path.join(OUTPUT, 'node_modules', name);
  // lines of stack traces in a folder of this name are left out by tap
  const file = `node_modules/@tapjs/${name}.js`;
  mkdirSync(directory, { recursive: true });
  writeFileSync(path.join(directory, 'package.json'), JSON.stringify({ type: 'module', main: file }));
  await build({
    entryPoints: [name],
    outfile: path.join(directory, file),
    bundle: true,
    minifyWhitespace: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    // as the program has it
    alias: { 'string-width': './src/cli/shared/string-width.ts' },
    // CommonJS packages inside an ES module still want `require`
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    logLevel: 'warning',
  });
}

/** Tests in a sharing folder become one file that imports them. */
function shareProcesses(tests) {
  const processes = new Map();
  for (const test of tests) {
    const folder = path.dirname(test);
    const name = SHARING_FOLDERS.has(folder) ? folder : test;
    processes.set(name, [...(processes.get(name) ?? []), test]);
  }
  return [...processes].map(([name, members]) => {
    const bundled = members.map((member) => path.join(OUTPUT, member.replace(/\.ts$/, '.mjs')));
    if (members.length === 1) return { name: members[0], file: bundled[0] };
    const file = path.join(OUTPUT, `${name}.mjs`);
    const imports = bundled.map((member) => `import './${path.relative(path.dirname(file), member)}';\n`);
    writeFileSync(file, imports.join(''));
    return { name, file };
  });
}

/**
 * What a bundled module sees in `import.meta`: the location of its source; of a module of the program that of what is
 * built from it, beside which are the programs that it starts.
 */
async function loadSource({ path: file }) {
  const text = await readFile(file, 'utf8');
  const isOurs = !path.relative('src', file).startsWith('..');
  const url = pathToFileURL(isOurs ? path.resolve('dist', path.basename(file).replace(/\.ts$/, '.js')) : file);
  const contents = text
    .replaceAll('import.meta.url', JSON.stringify(url))
    .replaceAll('import.meta.dirname', JSON.stringify(path.dirname(file)));
  return { contents, loader: file.endsWith('x') ? 'tsx' : 'ts' };
}
