// Bundles the entry points into dist/: one start of Node then reads two or three files instead of hundreds.
import { rmSync } from 'node:fs';
import { build } from 'esbuild';
import ts from 'typescript';

rmSync('dist', { recursive: true, force: true });
await build({
  entryPoints: {
    cli: 'src/cli/main.ts',
    daemon: 'src/daemon/main.ts',
    runner: 'src/runner/main.ts',
    index: 'src/index.ts',
    notify: 'src/alerts/notify.ts',
  },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  chunkNames: '[name]-[hash]',
  // its other form cannot be bundled
  alias: { 'string-width': './src/cli/string-width.ts', 'jsonc-parser': 'jsonc-parser/lib/esm/main.js' },
  // these find terminfo, modules and programs of their own by path
  external: ['blessed', 'blessed/*', 'node-notifier', '@lydell/*'],
  // CommonJS packages inside an ES module still want `require`
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  legalComments: 'none',
  logLevel: 'warning',
});

// the types of the library, and of what it leads to
const { config } = ts.readConfigFile('tsconfig.json', ts.sys.readFile);
const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, '.');
const types = { noEmit: false, declaration: true, emitDeclarationOnly: true, rootDir: 'src', outDir: 'dist/types' };
ts.createProgram(['src/index.ts'], { ...options, ...types }).emit();
