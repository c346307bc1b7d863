// Bundles the entry points into dist/: one start of Node then reads two or three files instead of hundreds.
import { rmSync } from 'node:fs';
import { build } from 'esbuild';

rmSync('dist', { recursive: true, force: true });
await build({
  entryPoints: { cli: 'src/cli/main.ts', daemon: 'src/daemon/main.ts', runner: 'src/runner/main.ts', notify: 'src/alerts/notify.ts' },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  chunkNames: '[name]-[hash]',
  alias: { 'string-width': './src/cli/string-width.ts' },
  // these find terminfo, modules and programs of their own by path
  external: ['blessed', 'blessed/*', 'node-notifier', '@lydell/*'],
  // CommonJS packages inside an ES module still want `require`
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  legalComments: 'none',
  logLevel: 'warning',
});
