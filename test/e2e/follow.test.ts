import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import type { Test } from 'tap';
import { resolveAgentPaths } from '../../src/agents/agent-paths.js';
import type { FollowStatus } from '../../src/api/messages.js';
import { createHome } from '../helpers/daemon.js';
import { CLAUDE_ID, recorded } from '../helpers/sessions.js';
import { shortOrLong } from '../helpers/long.js';
import { collectOutput } from '../helpers/output.js';
import { waitFor } from '../helpers/wait.js';

/** A home in which no agent keeps its files elsewhere. */
function createAgentHome(t: Test) {
  const home = createHome(t);
  for (const name of ['CLAUDE_CONFIG_DIR', 'CODEX_HOME', 'GEMINI_CLI_HOME']) home.env[name] = undefined;
  const append = (file: string, text: string) => {
    const target = path.join(resolveAgentPaths({ ...home.env }).claude.sessions, file);
    mkdirSync(path.dirname(target), { recursive: true });
    appendFileSync(target, text);
  };
  return { ...home, append };
}

/** Lines in order, whatever file they were written to; the end of the session is last. */
function inOrder(files: ReadonlyMap<string, string>): (readonly [file: string, text: string])[] {
  const lines = [...files].flatMap(([file, text]) => {
    let time = '';
    return (file.endsWith('.jsonl') ? text.match(/.*\n/g)! : [text]).map((line) => {
      time = (JSON.parse(line) as { timestamp?: string }).timestamp ?? time;
      return { file, line, time };
    });
  });
  return lines.sort((a, b) => (a.time < b.time ? -1 : Number(a.time > b.time))).map(({ file, line }) => [file, line]);
}

t.test('each line is recorded once, whenever the daemon is killed', async (t) => {
  const home = createAgentHome(t);
  writeFileSync(home.paths.config, 'follow:\n  claude: true\n');
  const lines = inOrder(recorded('claude'));
  let daemon = await home.startDaemon();
  for (const [index, [file, line]] of lines.entries()) {
    home.append(file, line);
    if (index % shortOrLong(15, 5) !== 3) continue;
    await daemon.kill();
    daemon = await home.startDaemon();
  }
  const client = await home.connect();
  t.teardown(() => client.destroy());
  const found = await waitFor('the whole session', async () => {
    const answer = await client.call('get', { execution: CLAUDE_ID }).catch(() => undefined);
    return answer?.execution.endedAt !== undefined && answer.execution;
  });
  t.match(found, { status: 'completed', usage: { tokens: 12_208 }, outcome: { endedBy: 'record' } });
  t.equal(found.steps.length, 6);
  t.match(home.progress(['show', CLAUDE_ID]).stdout, /ended .*, says its file/);
});

t.test('follow prints sessions and their outcomes', async (t) => {
  const home = createAgentHome(t);
  const following = home.spawn(['follow', 'claude'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const output = collectOutput(following);
  const client = await waitFor('a daemon', () => home.connect().catch(() => undefined));
  t.teardown(() => client.destroy());
  await waitFor('it to be switched on', async () =>
    (await client.call('follow', {})).agents.some(({ following }) => following),
  );
  t.match(home.progress(['follow']).stdout, 'claude  followed, until');
  for (const [file, text] of recorded('claude')) home.append(file, text);
  await waitFor('the session', () => output.stdout.includes('completed'));
  await waitFor('the file of the subagent', async () =>
    (await client.call('follow', {})).agents.some(({ files }) => files === 2),
  );
  t.match(output.stdout, / start +claude in demo3/);
  following.kill('SIGINT');
  await output.ended;

  const [claude, codex] = JSON.parse(home.progress(['follow', '--json']).stdout) as FollowStatus[];
  t.match(claude, { agent: 'claude', following: true, configured: false, files: 2, skipped: [] }, 'it goes on');
  t.match(codex, { agent: 'codex', following: false });
  t.match(
    home.progress(['follow', 'codex', '--detach']).stdout,
    /^codex {3}followed, until the daemon exits {2}0 files/,
  );
  t.match(home.progress(['follow', 'claude', '--off']).stdout, /^claude {2}not followed/);
  t.equal(home.progress(['follow', '--off']).status, 64);
  t.equal(home.progress(['follow', 'claude', '--off', '--detach']).status, 64);
  t.equal(home.progress(['follow', 'nobody']).status, 64);
});
