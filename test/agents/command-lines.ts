/** Options of each agent: use the stand-in for its model, answer one prompt, and make no other connections. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Agent } from '../../src/core/agents.js';

export const PROMPT = 'Write notes.md';

interface CommandLine {
  argv: readonly string[];
  env: NodeJS.ProcessEnv;
}

export function commandLine(agent: Agent, url: string): CommandLine {
  switch (agent) {
    case 'claude':
      return {
        argv: [
          ...['claude', '-p', PROMPT, '--output-format', 'stream-json', '--verbose', '--model', 'claude-sonnet-4-5'],
          ...['--allowedTools', 'Bash', 'Write'],
        ],
        env: {
          ANTHROPIC_BASE_URL: url,
          ANTHROPIC_API_KEY: 'sk-ant-none',
          CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
          CLAUDE_CODE_MAX_RETRIES: '1',
          DISABLE_AUTOUPDATER: '1',
        },
      };
    case 'codex':
      return {
        argv: [
          ...['codex', 'exec', '--json', '--skip-git-repo-check', '--dangerously-bypass-hook-trust'],
          ...['--sandbox', 'danger-full-access', PROMPT],
        ],
        env: { STAND_IN_KEY: 'none' },
      };
    case 'gemini':
      return {
        argv: [
          ...['gemini', '-p', PROMPT, '--output-format', 'stream-json', '--model', 'gemini-2.5-pro'],
          ...['--yolo', '--skip-trust'],
        ],
        env: { GOOGLE_GEMINI_BASE_URL: url, GEMINI_API_KEY: 'none' },
      };
  }
}

/** Files that must be in its home. */
export function prepare(agent: Agent, home: string, url: string): void {
  const write = (file: string, text: string) => {
    mkdirSync(path.dirname(path.join(home, file)), { recursive: true });
    writeFileSync(path.join(home, file), text);
  };
  if (agent === 'codex') write('.codex/config.toml', codexConfig(url));
  if (agent === 'gemini') write('.gemini/settings.json', `${JSON.stringify(GEMINI_SETTINGS, undefined, 2)}\n`);
}

const codexConfig = (url: string) => `model = "gpt-5.5"
model_provider = "stand-in"

[model_providers.stand-in]
name = "stand-in"
base_url = "${url}/v1"
wire_api = "responses"
env_key = "STAND_IN_KEY"
request_max_retries = 1
stream_max_retries = 1

[analytics]
enabled = false
`;

const GEMINI_SETTINGS = {
  privacy: { usageStatisticsEnabled: false },
  general: { enableAutoUpdate: false, maxAttempts: 2 },
  security: { auth: { selectedType: 'gemini-api-key' } },
};
