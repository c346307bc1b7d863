/** The agents as their makers publish them, for as long as a test runs. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Test } from 'tap';
import type { Agent } from '../../src/core/agents.js';

interface Package {
  name: string;
  /** The newest that was seen to work. */
  version: string;
  /** What it would do at its installation, where that has to be. */
  install?: string;
}

const PACKAGES: Readonly<Record<Agent, Package>> = {
  claude: { name: '@anthropic-ai/claude-code', version: '2.1.330', install: 'install.cjs' },
  codex: { name: '@openai/codex', version: '0.169.0' },
  gemini: { name: '@google/gemini-cli', version: '0.61.0' },
};
const INSTALL_MS = 300_000;

/** What the registry has now, instead of what the tests were written with. */
const IS_LATEST_WANTED = process.env['TEST_AGENTS'] === 'latest';

/**
 * The file that starts it. All of it is removed when the test ends.
 * @param older a version that is wanted whatever the newest is
 */
export function installAgent(t: Test, agent: Agent, older?: string): string {
  const { name, install, version } = PACKAGES[agent];
  const directory = mkdtempSync(path.join(tmpdir(), `progress-${agent}-`));
  t.teardown(() => rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 }));
  const lib = path.join(directory, 'node_modules', name);
  const spec = `${name}@${older ?? (IS_LATEST_WANTED ? 'latest' : version)}`;
  writeFileSync(path.join(directory, 'package.json'), '{"private":true}\n');
  // their scripts are not run: what one of them has to do is asked for by its name
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
