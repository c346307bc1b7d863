/** Fake coding agents: programs that print a recording. */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Home } from './daemon.js';
import { ROOT } from './daemon.js';

const RECORDINGS = path.join(ROOT, 'test/fixtures/recordings');

export const FULL = 'claude-stream/rec-2.1.197-full.jsonl';
export const AUTH = 'claude-stream/rec-2.1.197-auth.jsonl';

/** Command lines that ask for JSON. */
export const CLAUDE = ['claude', '-p', 'do it', '--output-format', 'stream-json', '--verbose'];
export const CODEX = ['codex', 'exec', '--json', 'do it'];
export const GEMINI = ['gemini', '-p', 'do it', '--output-format', 'stream-json'];

export interface Agents {
  /** Directory that has to be first in PATH. */
  bin: string;
  /** Makes the agent print this. */
  install(name: string, content: Buffer | string, options?: { exitCode?: number; script?: string }): void;
}

export function recording(name: string): Buffer {
  return readFileSync(path.join(RECORDINGS, name));
}

/** Installs agents in front of everything else in the PATH of the home. */
export function installAgents({ directory, env }: Home): Agents {
  const bin = path.join(directory, 'bin');
  mkdirSync(bin, { recursive: true });
  env['PATH'] = `${bin}:${env['PATH'] ?? ''}`;
  return {
    bin,
    /** `script`: shell commands after the recording. */
    install(name, content, { exitCode = 0, script = '' } = {}) {
      const file = path.join(bin, name);
      writeFileSync(`${file}.out`, content);
      writeFileSync(file, `#!/bin/sh\ncat '${file}.out'\n${script}\nexit ${exitCode}\n`);
      chmodSync(file, 0o755);
    },
  };
}
