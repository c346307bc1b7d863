// Writes the option lists of the manual pages from the tables of the commands: `npm run docs`.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';

process.chdir(import.meta.dirname);
const bundle = path.resolve('.tap', 'docs.mjs');
await build({
  stdin: {
    contents: `export { COMMANDS } from './dispatch.js'; export { renderOptions } from './manual.js';`,
    resolveDir: 'src/cli',
  },
  outfile: bundle,
  bundle: true,
  packages: 'external',
  format: 'esm',
  platform: 'node',
  logLevel: 'warning',
});
const { COMMANDS, renderOptions } = await import(bundle);
rmSync(bundle);
for (const [verb, load] of Object.entries(COMMANDS)) {
  const file = `man/progress-${verb}.1`;
  try {
    writeFileSync(file, renderOptions(readFileSync(file, 'utf8'), (await load()).options));
  } catch (error) {
    throw new Error(`${file}: ${error.message}`, { cause: error });
  }
}
