// Bundles the tests, each with the sources that it tests, and hands them to tap: `node test/run.mjs [options of tap]
// [file or folder]...`. There are 200 files, each a process for tap: what is bundled starts in a third of the processor
// time that a loader of TypeScript takes, and tests that only compute share a process.
import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const OUTPUT = '.tap/bundle';
/** Folders whose tests neither start daemons nor change what others in their process see. */
const SHARING = new Set(
  ['', 'alerts', 'core', 'journal', 'protocol', 'sessions', 'spool', 'streams', 'terminal'].map((folder) =>
    path.join(OUTPUT, 'test', folder),
  ),
);
process.chdir(path.resolve(import.meta.dirname, '..'));

const options = process.argv.slice(2).filter((argument) => argument.startsWith('-'));
const named = process.argv.slice(2).filter((argument) => !argument.startsWith('-'));
const entryPoints = (named.length > 0 ? named : ['test']).flatMap(testsIn);

rmSync(OUTPUT, { recursive: true, force: true });
await build({
  entryPoints,
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
  plugins: [
    {
      name: 'what a module says of its place stays true',
      setup: ({ onLoad }) => onLoad({ filter: /\.tsx?$/ }, placed),
    },
  ],
  logLevel: 'warning',
});

/** By the name of the process's file, without its end. */
const processes = new Map();
for (const entry of entryPoints) {
  const file = path.join(OUTPUT, entry.replace(/\.ts$/, ''));
  const folder = path.dirname(file);
  const name = SHARING.has(folder) ? folder : file;
  processes.set(name, [...(processes.get(name) ?? []), file]);
}
const files = [...processes].map(([name, members]) => {
  if (members.length === 1) return `${members[0]}.mjs`;
  const imports = members.map((file) => `import './${path.relative(path.dirname(name), file)}.mjs';\n`);
  writeFileSync(`${name}.mjs`, imports.join(''));
  return `${name}.mjs`;
});

// tap's own loader of TypeScript, which has nothing to do, stays out
const { status } = spawnSync('node_modules/.bin/tap', ['--test-env=TAP_TYPE_STRIP_ONLY=1', ...options, ...files], {
  stdio: 'inherit',
});
process.exitCode = status ?? 1;

function testsIn(place) {
  if (!statSync(place).isDirectory()) return [path.normalize(place)];
  const files = readdirSync(place, { recursive: true }).filter((file) => file.endsWith('.test.ts'));
  return files.map((file) => path.join(place, file)).sort();
}

async function placed({ path: file }) {
  const text = await readFile(file, 'utf8');
  const contents = text
    .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(file)))
    .replaceAll('import.meta.dirname', JSON.stringify(path.dirname(file)));
  return { contents, loader: file.endsWith('x') ? 'tsx' : 'ts' };
}
