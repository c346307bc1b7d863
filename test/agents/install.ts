/** Installs agents as their vendors publish them, for the duration of a test. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Test } from 'tap';
import type { Agent } from '../../src/core/agents.js';

interface Package {
  name: string;
  /** The newest version that is known to work. */
  version: string;
  /** A script of its installation that has to run. */
  install?: string;
}

const PACKAGES: Readonly<Record<Agent, Package>> = {
  claude: { name: '@anthropic-ai/claude-code', version: '2.1.330', install: 'install.cjs' },
  codex: { name: '@openai/codex', version: '0.169.0' },
  gemini: { name: '@google/gemini-cli', version: '0.61.0' },
};
const INSTALL_MS = 300_000;

/** Use the newest version in the registry instead of the pinned one. */
const IS_LATEST_WANTED = process.env['TEST_AGENTS'] === 'latest';

/**
 * Returns the file that starts it. It is removed when the test ends.
 * @param older a version that is used even where the newest is asked for
 */
export function installAgent(t: Test, agent: Agent, older?: string): string {
  const { name, install, version } = PACKAGES[agent];
  const directory = mkdtempSync(path.join(tmpdir(), `progress-${agent}-`));
  t.teardown(() => rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 }));
  const lib = path.join(directory, 'node_modules', name);
  const spec = `${name}@${older ?? (IS_LATEST_WANTED ? 'latest' : version)}`;
  writeFileSync(path.join(directory, 'package.json'), '{"private":true}\n');
  // install scripts are disabled; a required one is run explicitly
  run(directory, 'npm', ['install', '--ignore-scripts', '--no-engine-strict', '--no-audit', '--no-fund', spec]);
  if (install !== undefined && existsSync(path.join(lib, install))) run(lib, process.execPath, [install]);
  return path.join(directory, 'node_modules/.bin', agent);
}

function run(cwd: string, program: string, args: readonly string[]): void {
  mkdirSync(cwd, { recursive: true });
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd,
    encoding: 'utf8',
    timeout: INSTALL_MS,
  });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? `${stdout}${stderr}`}`);
}
