// Writes the generated parts of the manual: `npm run docs`. With --check it changes nothing, names the pages that are out
// of date, and exits with status 1. Titles and options come from the definitions of the commands, requests and routes from dist/schema.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { CONTRACT_PAGES, renderContract } from './docs/contract.mjs';

const ROOT = path.resolve(import.meta.dirname, '..');
const isCheck = process.argv.includes('--check');

const { COMMANDS, renderCommands, renderPage } = await loadCommands();
const commands = {};
for (const [verb, load] of Object.entries(COMMANDS)) {
  commands[verb] = await load();
  renew(`progress-${verb}.1`, (text) => renderPage(text, commands[verb]));
}
renew('progress.1', (text) => renderCommands(text, commands));
for (const page of CONTRACT_PAGES) renew(page, (text) => renderContract(page, text));

function renew(page, render) {
  const file = path.join(ROOT, 'man', page);
  const before = readFileSync(file, 'utf8');
  const after = rendered(page, before, render);
  if (after === before) return;
  if (isCheck) {
    console.error(`man/${page} is out of date; run 'npm run docs'`);
    process.exitCode = 1;
  } else writeFileSync(file, after);
}

function rendered(page, text, render) {
  try {
    return render(text);
  } catch (error) {
    throw new Error(`man/${page}: ${error.message}`, { cause: error });
  }
}

async function loadCommands() {
  const bundle = path.join(ROOT, '.tap', `docs-${process.pid}.mjs`);
  await build({
    absWorkingDir: ROOT,
    stdin: {
      contents: `export { COMMANDS } from './dispatch.js'; export { renderCommands, renderPage } from './manual.js';`,
      resolveDir: path.join(ROOT, 'src/cli'),
    },
    outfile: bundle,
    bundle: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    logLevel: 'warning',
  });
  try {
    return await import(bundle);
  } finally {
    rmSync(bundle);
  }
}
