// What a call of an agent's hook takes, as the agent makes it, beside a shell that does nothing.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { median, report, ROOT } from './harness.mjs';

const CALLS = 300;
const HOOK = path.join(ROOT, 'hooks/claude-plugin/agent-hook');
const COMMAND = `[ ! -r '${HOOK}' ] || exec sh '${HOOK}' claude`;
const SIZES = { 'a call of 500 bytes': 500, 'one of 20 kB': 20_000, 'one of 1 MB': 1_000_000 };

export async function main() {
  const home = mkdtempSync(path.join(tmpdir(), 'progress-hook-'));
  const env = { ...process.env, PROGRESS_HOME: home };
  try {
    for (const [name, size] of Object.entries(SIZES)) {
      const fields = { session_id: 's1', hook_event_name: 'PostToolUse', tool_name: 'Bash', tool_use_id: 't1' };
      const input = JSON.stringify({ ...fields, tool_response: 'x "y"\n'.repeat(size / 9) });
      const times = { ':': [], [COMMAND]: [] };
      // in turn, so that a slow moment of the machine is everybody's
      for (let call = 0; call < CALLS; call++) {
        for (const [command, list] of Object.entries(times)) {
          const begun = performance.now();
          const { status } = spawnSync('sh', ['-c', command], { input, env });
          list.push(performance.now() - begun);
          if (status !== 0 && command !== ':') throw new Error(`the hook ended with ${status}`);
        }
      }
      const [nothing, hook] = Object.values(times).map(median);
      report(name, `${(hook / nothing).toFixed(2)} x`, `sh -c :, ${nothing.toFixed(2)} ms; aim: 3`);
    }
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}
