// Bundles the entry points into dist/: one start of Node then reads two or three files instead of hundreds.
// The viewer's files are also written compressed, so that the daemon never compresses while a browser waits.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { writeSchemas } from './schemas.mjs';

rmSync('dist', { recursive: true, force: true });
const PROGRAMS = {
  cli: 'src/cli/main.ts',
  daemon: 'src/daemon/main.ts',
  runner: 'src/runner/main.ts',
  index: 'src/index.ts',
  notify: 'src/alerts/channels/notify.ts',
};
const program = {
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  chunkNames: '[name]-[hash]',
  // its other form cannot be bundled
  alias: { 'string-width': './src/cli/shared/string-width.ts', 'jsonc-parser': 'jsonc-parser/lib/esm/main.js' },
  // these find terminfo, modules and programs of their own by path
  external: ['blessed', 'blessed/*', 'node-notifier', '@lydell/*', 'undici'],
  // CommonJS packages inside an ES module still want `require`
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  legalComments: 'none',
  logLevel: 'warning',
};
// apart: modules that several programs share would be in dozens of small files, which each start has to find and read
const builds = await Promise.all(
  Object.entries(PROGRAMS).map(([name, file]) => build({ ...program, entryPoints: { [name]: file }, metafile: true })),
);

const viewer = 'dist/viewer';
mkdirSync(viewer, { recursive: true });
const browser = {
  outdir: viewer,
  bundle: true,
  minify: true,
  format: 'esm',
  // the first with light-dark(), which the styles use
  target: ['chrome123', 'firefox120', 'safari17.5'],
  jsx: 'automatic',
  jsxImportSource: 'preact',
  legalComments: 'none',
  logLevel: 'warning',
};
const pages = await build({
  ...browser,
  entryPoints: { main: 'viewer/main.tsx' },
  splitting: true,
  chunkNames: '[name]-[hash]',
  metafile: true,
});
await build({
  ...browser,
  entryPoints: { hub: 'viewer/live/hub-worker.ts', style: 'viewer/style.css', execution: 'viewer/execution.css' },
});
cpSync('viewer/icon.svg', path.join(viewer, 'icon.svg'));
// files that the page needs at once are requested in parallel
const { imports } = pages.metafile.outputs[`${viewer}/main.js`];
const needed = imports.filter(({ kind }) => kind === 'import-statement').map(({ path: file }) => path.basename(file));
const links = needed.map((file) => `<link rel="modulepreload" href="/assets/${file}" />`).join('');
// identifies the build: an open page notices that the daemon serves another one
const hash = createHash('sha256');
for (const file of readdirSync(viewer).sort()) hash.update(readFileSync(path.join(viewer, file)));
const meta = `<meta name="build" content="${hash.digest('hex').slice(0, 12)}" />`;
const html = readFileSync('viewer/index.html', 'utf8');
writeFileSync(path.join(viewer, 'index.html'), html.replace('</head>', `${meta}${links}</head>`));
for (const file of readdirSync(viewer)) {
  const bytes = readFileSync(path.join(viewer, file));
  const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } };
  writeFileSync(path.join(viewer, `${file}.gz`), gzipSync(bytes, { level: 9 }));
  writeFileSync(path.join(viewer, `${file}.br`), brotliCompressSync(bytes, quality));
}
writeFileSync(path.join('dist', 'THIRD_PARTY_LICENSES.txt'), licensesOf([...builds, pages]));

await writeSchemas(path.join('dist', 'schema'));

// the types of the library, and of what it leads to; errors in them are for `npm run check` to find
const project = path.join('dist', 'tsconfig.json');
const declarations = { noEmit: false, noCheck: true, declaration: true, emitDeclarationOnly: true };
const compilerOptions = { ...declarations, rootDir: '../src', outDir: 'types' };
writeFileSync(
  project,
  JSON.stringify({ extends: '../tsconfig.json', compilerOptions, files: ['../src/index.ts'], include: [] }),
);
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', project], { stdio: 'inherit' });
rmSync(project);

/** The licences of all packages whose code is in these bundles, as they ask for. */
function licensesOf(results) {
  const inputs = results.flatMap(({ metafile }) => Object.keys(metafile.inputs));
  const directories = inputs.map((file) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0]);
  const packages = [...new Set(directories.filter((directory) => directory !== undefined))].sort();
  return packages.map(licenseOf).join(`\n${'-'.repeat(80)}\n\n`);
}

function licenseOf(directory) {
  const { name, version, license } = JSON.parse(readFileSync(path.join(directory, 'package.json'), 'utf8'));
  const file = readdirSync(directory).find((entry) => /^licen[cs]e/i.test(entry));
  if (license === undefined) throw new Error(`${name} is bundled and names no licence`);
  const text = file === undefined ? '' : `\n${readFileSync(path.join(directory, file), 'utf8').trim()}\n`;
  return `${name} ${version}: ${license}\n${text}`;
}
