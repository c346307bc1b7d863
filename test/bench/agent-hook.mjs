// A call of an agent's hook, as the agent makes it, relative to a shell that does nothing.
import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { figure, median, PRODUCT, sized } from './harness.mjs';

const CALLS = sized(300, 20);
const HOOK = path.join(PRODUCT, 'hooks/claude-plugin/agent-hook');
const COMMAND = `[ ! -r '${HOOK}' ] || exec sh '${HOOK}' claude`;
const SIZES = { '500 bytes': 500, '20 kB': 20_000, '1 MB': 1_000_000 };

export function main() {
  const env = { ...process.env, PROGRESS_HOME: mkdtempSync(path.join(tmpdir(), 'home-')) };
  for (const [name, size] of Object.entries(SIZES)) {
    const fields = { session_id: 's1', hook_event_name: 'PostToolUse', tool_name: 'Bash', tool_use_id: 't1' };
    const input = JSON.stringify({ ...fields, tool_response: 'x "y"\n'.repeat(size / 9) });
    const times = { ':': [], [COMMAND]: [] };
    // in turn, so that other load on the machine affects both
    for (let call = 0; call < CALLS; call++) {
      for (const [command, list] of Object.entries(times)) {
        const begun = performance.now();
        const { status } = spawnSync('sh', ['-c', command], { input, env });
        list.push(performance.now() - begun);
        if (status !== 0 && command !== ':') throw new Error(`the hook ended with ${status}`);
      }
    }
    const [nothing, hook] = Object.values(times).map(median);
    figure(`sh -c : with ${name} of input`, nothing, 'ms');
    figure(`the hook with ${name}, relative to it`, hook / nothing, 'x', { better: 'less', aim: 3 });
  }
}
