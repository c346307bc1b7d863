/** Fixture programs are TypeScript; a test that starts one as a process bundles it first. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Test } from 'tap';

const FIXTURES = fileURLToPath(new URL('../fixtures/', import.meta.url));

/** Path of a program that Node can start; it is removed at the end of the test. */
export async function bundleFixture(t: Pick<Test, 'teardown'>, name: string): Promise<string> {
  const directory = mkdtempSync(path.join(tmpdir(), 'progress-fixture-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const outfile = path.join(directory, `${name}.mjs`);
  const entryPoints = [path.join(FIXTURES, `${name}.ts`)];
  await build({ entryPoints, outfile, bundle: true, platform: 'node', format: 'esm', logLevel: 'error' });
  return outfile;
}
