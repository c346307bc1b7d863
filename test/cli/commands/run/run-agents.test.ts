import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import t from 'tap';
import type { Test } from 'tap';
import type { ExecutionJson } from '../../../../src/core/execution.js';
import { AUTH, CLAUDE, CODEX, FULL, GEMINI, installAgents, recording } from '../../../helpers/agents.js';
import { PROGRESS } from '../../../helpers/daemon.js';
import { foundIn, recordings, replay, TRUTH } from '../../../helpers/replay.js';
import type { RunHomeWithDaemon } from '../../../helpers/runs.js';
import { startRunHome } from '../../../helpers/runs.js';
import { openTmux } from '../../../helpers/tmux.js';
import { waitFor } from '../../../helpers/wait.js';
import { whyNo } from '../../../helpers/needs.js';

async function open(t: Test) {
  const home = await startRunHome(t);
  return { home, agents: installAgents(home) };
}

/** The only execution, once it has ended. */
async function onlyOne(home: RunHomeWithDaemon): Promise<ExecutionJson> {
  return await waitFor('its end', async () => {
    const [found] = JSON.parse((await home.invoke(['ps', '--all', '--json'])).stdout) as ExecutionJson[];
    return found?.endedAt !== undefined && found;
  });
}

const isAgentsOutput = ({ name }: { name: string }) =>
  /^(?:claude-stream|codex-exec|gemini-stream)/.test(name) && name.endsWith('.jsonl');
const commandOf = (name: string) => (name.startsWith('claude') ? CLAUDE : name.startsWith('codex') ? CODEX : GEMINI);

/** The other recordings are files and payloads of hooks. */
const isPrinted = ({ name }: { name: string }) => !/^[^/]*(?:hooks|transcripts|rollouts)/.test(name);

t.test('output passes through a pipe unchanged, is parsed, and can be read from the journal', async (t) => {
  const { home, agents } = await open(t);
  const printed = recordings().filter(isPrinted);
  t.ok(printed.length > 15);
  for (const { name, content } of printed) {
    const isAgent = isAgentsOutput({ name });
    const argv = isAgent ? commandOf(name) : ['anything'];
    agents.install(argv[0] ?? '', content);
    const id = await home.start(['--name', name.replaceAll('/', ' ')], ...argv);
    const execution = await waitFor(`the end of ${name}`, async () => {
      const found = await home.find(id);
      return found?.endedAt !== undefined && found;
    });
    const expected = replay([content], { argv });
    t.match(execution, { kind: isAgent ? 'agent' : 'run', status: expected.claim?.status ?? 'completed' }, name);
    t.equal((await home.invoke(['logs', id, '--raw'])).stdout, content.toString(), `${name}: the bytes`);
    const found = { ...foundIn({ ...expected, execution }), outcome: expected.claim?.status };
    const truth = TRUTH[name];
    if (isAgent && truth) t.match(found, truth, `${name}: what is in it`);
    if (isAgent) t.equal(execution.agent?.name, argv[0]);
  }
});

t.test("stdout that is no terminal gets the exact bytes, and the exit status is the command's", async (t) => {
  const { home, agents } = await open(t);
  const content = recording(FULL);
  agents.install('claude', content, { exitCode: 3 });
  const through = home.progress(['run', '--', ...CLAUDE]);
  t.equal(through.stdout, content.toString());
  t.equal(through.status, 3);
  const execution = await onlyOne(home);
  t.match(execution, {
    ...{ kind: 'agent', agent: { name: 'claude', model: 'claude-opus-4-8[1m]' }, status: 'failed' },
    outcome: { exitCode: 3, summary: 'Done: notes.md written, 2 text files counted.' },
    usage: { tokens: 12_208, costUsd: 0.05264 },
  });
});

t.test('an agent that reports a failure has failed, whatever its exit status', async (t) => {
  const { home, agents } = await open(t);
  agents.install('claude', recording(AUTH));
  const { status } = home.progress(['run', '--', ...CLAUDE]);
  t.equal(status, 0, 'a script sees what the command says');
  t.match(await onlyOne(home), { status: 'failed', outcome: { exitCode: 0, error: /\S/ } });
});

t.test('recognises an agent behind a wrapper, between other output, and by an option', async (t) => {
  const { home, agents } = await open(t);
  const noisy = Buffer.concat([
    Buffer.from('npm warn something\n'),
    recording(FULL),
    Buffer.from('{"type":"never seen","n":1}\nand a last word\n'),
  ]);
  agents.install('agent', noisy, { script: 'echo "an error message" >&2; echo "{\\"json\\": true}" >&2' });
  const through = home.progress(['run', '--format', 'claude', '--', 'env', 'A=b', 'agent']);
  t.equal(through.stdout, noisy.toString());
  t.equal(through.stderr, 'an error message\n{"json": true}\n');
  const execution = await onlyOne(home);
  t.match(execution, { kind: 'agent', agent: { name: 'claude' }, status: 'completed', usage: { tokens: 12_208 } });
  const { stdout } = await home.invoke(['logs', execution.id]);
  for (const words of [/^npm warn something$/m, /and a last word/, /^an error message$/m]) t.match(stdout, words);
  t.equal((await home.invoke(['logs', execution.id, '--raw'])).stdout, noisy.toString());
});

t.test('reads a line of ten megabytes', async (t) => {
  const { home, agents } = await open(t);
  const call = { type: 'tool_use', id: 'big', name: 'Read', input: { file_path: '/a.png' } };
  const answer = { type: 'tool_result', tool_use_id: 'big', content: 'QUJD'.repeat(2_500_000) };
  const line = (type: string, content: unknown) => `${JSON.stringify({ type, message: { content: [content] } })}\n`;
  const content = line('assistant', call) + line('user', answer);
  agents.install('claude', content);
  t.ok(home.progress(['run', '--', ...CLAUDE]).stdout === content, 'passed through');
  const execution = await onlyOne(home);
  t.match(execution.steps, [{ id: 'big', status: 'completed' }]);
  t.ok((await home.invoke(['logs', execution.id, '--raw'])).stdout === content, 'kept');
});

t.test('an interrupted or killed agent leaves no call open', async (t) => {
  const { home, agents } = await open(t);
  const lines = recording(FULL).toString().split('\n');
  const cut = lines.findIndex((line) => line.includes('"tool_use"') && line.includes('"type":"assistant"'));
  const begun = `${lines.slice(0, cut + 1).join('\n')}\n${lines[cut + 1]?.slice(0, 40) ?? ''}`;
  for (const [signal, status] of [
    ['INT', 'cancelled'],
    ['KILL', 'failed'],
  ] as const) {
    agents.install('claude', begun, { script: 'while :; do sleep 0.1; done' });
    const id = await home.start(['--name', signal], ...CLAUDE);
    await waitFor('the call', async () => {
      const found = await home.find(id);
      return found?.steps.some((step) => step.status === 'running');
    });
    if (signal === 'INT') await home.invoke(['stop', id, '--signal', 'INT']);
    else process.kill((await home.recordOf(id)).child.pid, 'SIGKILL');
    const execution = await home.until(id, status);
    t.ok(execution.steps.length > 0);
    t.strictSame(new Set(execution.steps.map((step) => step.status)), new Set(['cancelled']), signal);
    t.equal((await home.invoke(['logs', id, '--raw'])).stdout, begun, 'up to the torn line');
  }
});

t.test('at a terminal', { skip: whyNo('tmux') }, async (t) => {
  const openTerminal = async (t: Test) => {
    const { home, agents } = await open(t);
    const tmux = await openTmux(
      t,
      { columns: 90, rows: 40 },
      { PROGRESS_HOME: home.directory, PATH: home.env['PATH'] ?? '' },
    );
    return { home, agents, tmux, run: (words: string) => tmux.enter(`${PROGRESS} run ${words}; echo "status $?"`) };
  };

  t.test('prints text for people, and JSON with --raw', async (t) => {
    const { home, agents, tmux, run } = await openTerminal(t);
    agents.install('claude', Buffer.concat([Buffer.from('a warning of npm\n'), recording(FULL)]));
    await run(CLAUDE.join(' ').replace('do it', 'x'));
    const screen = await tmux.see(/status 0/);
    for (const words of [
      /^a warning of npm$/m,
      /^claude · claude-opus-4-8/m,
      /^I'll list the files first\.$/m,
      /^▸ Bash: ls -1\n {2}a\.txt\n {2}b\.txt$/m,
      /^▸ Agent: Count text files$/m,
      /^ {2}▸ Bash: ls \*\.txt \| wc -l\n {4}2$/m,
      /^Done: notes\.md written, 2 text files counted\.$/m,
      /12,208 tokens · \$0\.05$/m,
    ])
      t.match(screen, words);
    t.notMatch(screen, /session_id/);
    const { id } = await onlyOne(home);
    const raw = `a warning of npm\n${recording(FULL).toString()}`;
    t.equal((await home.invoke(['logs', id, '--raw'])).stdout, raw, 'without the returns of the terminal');
    await run(`--raw -- ${CLAUDE.join(' ').replace('do it', 'x')}`);
    t.match(await tmux.see(/(?:status 0[^]*){2}/, 'history'), /"session_id"/);
  });

  t.test('the box shows its model, calls and usage; a summary stays', async (t) => {
    const { home, agents, tmux, run } = await openTerminal(t);
    const go = path.join(home.directory, 'go');
    agents.install('claude', recording(FULL), { script: `while [ ! -e ${go} ]; do sleep 0.05; done` });
    await run(`--stream -- ${CLAUDE.join(' ').replace('do it', 'x')}`);
    const screen = await tmux.see(/Done: notes/);
    t.match(screen, /│ claude · claude-opus-4-8.*● running │/);
    t.match(screen, /12,208 tokens {2}\$0\.05/);
    t.match(screen, /│ [\d:]{8} ▸ Agent: Count text files +│\n│ [\d:]{8} {3}▸ Bash: ls \*\.txt \| wc -l +│/);
    spawnSync('touch', [go]);
    const end = await tmux.see(/status 0/);
    t.match(end, /5 tools: 3 completed, 2 failed · 1 subagent completed · 12,208 tokens · \$0\.05/);
  });
});

t.test('a reader that closes the pipe does not affect the record', async (t) => {
  const { home, agents } = await open(t);
  agents.install('claude', Buffer.concat(Array.from({ length: 20 }, () => recording(FULL))));
  const child = home.spawn(['run', '--', ...CLAUDE], { stdio: ['ignore', 'pipe', 'ignore'] });
  child.stdout?.once('data', () => child.stdout?.destroy());
  await once(child, 'exit');
  t.ok((await onlyOne(home)).steps.every(({ status }) => status !== 'running'));
});
