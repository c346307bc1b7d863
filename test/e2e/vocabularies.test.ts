/** Four emitters of other vocabularies, unchanged, over each of the three inputs, with equal results. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect as dial } from 'node:net';
import path from 'node:path';
import type { Test } from 'tap';
import t from 'tap';
import type { ExecutionJson } from '../../src/core/execution.js';
import type { Home } from '../helpers/daemon.js';
import { createHome, PROGRESS } from '../helpers/daemon.js';
import { linesOf } from '../helpers/vocabularies.js';
import { waitFor } from '../helpers/wait.js';

type Send = (home: Home, lines: readonly string[]) => Promise<void>;

/** A script with a command for each line. */
const byScript: Send = async (home, lines) => {
  const script = path.join(home.directory, 'emitter.sh');
  const commands = lines.map((line) => {
    const { type, event, data, ...rest } = JSON.parse(line) as Record<string, unknown>;
    const fields = JSON.stringify({ ...rest, ...(data as object | undefined) }).replaceAll("'", String.raw`'\''`);
    return `'${PROGRESS}' emit ${String(type ?? event)} --data '${fields}'`;
  });
  writeFileSync(script, `#!/bin/sh\nset -e\n${commands.join('\n')}\n`);
  await new Promise<void>((resolve, reject) => {
    const child = spawn('sh', [script], { env: home.env, stdio: ['ignore', 'ignore', 'inherit'] });
    child.once('error', reject);
    child.once('close', (code) => (code === 0 ? resolve() : reject(new Error(`the script ended with ${code}`))));
  });
};

/** Sends all lines over one connection, without hello. */
const bySocket: Send = async (home, lines) => {
  await new Promise<void>((resolve, reject) => {
    const socket = dial(home.paths.socket, () => socket.end(lines.map((line) => `${line}\n`).join('')));
    socket.on('error', reject).on('close', () => resolve());
    socket.resume();
  });
};

const byPost: Send = async (home, lines) => {
  for (const body of lines) {
    await new Promise<void>((resolve, reject) => {
      const posted = request({ socketPath: home.paths.httpSocket, path: '/emit', method: 'POST' }, (response) => {
        response.resume().once('end', () => {
          // an earlier event is answered with 200
          if (response.statusCode === 201 || response.statusCode === 200) resolve();
          else reject(new Error(`the answer is ${response.statusCode}`));
        });
      });
      posted.once('error', reject).setHeader('Content-Type', 'application/json');
      posted.end(body);
    });
  }
};

const WAYS = { 'a command for each line': byScript, 'one connection': bySocket, 'a POST for each line': byPost };

/** A condition that holds when the emitter has finished. */
async function found(home: Home, id: string, isThere: (execution: ExecutionJson) => boolean): Promise<ExecutionJson> {
  const client = await home.connect();
  try {
    return await waitFor(`what becomes of ${id}`, async () => {
      const reply = await client.call('get', { execution: id }).catch(() => undefined);
      return reply && isThere(reply.execution) ? reply.execution : undefined;
    });
  } finally {
    await client.close();
  }
}

const stepOf = ({ steps }: ExecutionJson, id: string) => steps.find((step) => step.id === id);

function shows(t: Test, home: Home, args: string[], ...wanted: (string | RegExp)[]): void {
  const { stdout, stderr } = home.progress(args);
  for (const part of wanted) t.match(stdout, part, `${args.join(' ')}: ${stderr}`);
}

for (const [way, send] of Object.entries(WAYS)) {
  t.test(`other vocabularies by ${way}`, async (t) => {
    const home = createHome(t);
    await home.startDaemon();
    // every interface shows the same state: once is enough
    const look = send === bySocket ? shows : () => undefined;

    await send(home, linesOf('stories'));
    const running = await found(home, 'REL-7', (task) => stepOf(task, 'US-2')?.error !== undefined);
    t.match(running, { name: 'Release 2.4', status: 'running', announced: { estimatedMs: 600_000 } });
    const error = /timeout: The signing service timed out after 30 s/;
    look(t, home, ['show', 'REL-7'], '42%', 'US-2 · Publish the packages', '1/4', error, 'c0ffee1', 'Announce');
    look(t, home, ['logs', 'REL-7'], error);
    look(t, home, ['show', '--timeline', 'REL-7'], error, /▶ .*US-2 · Publish the packages/);

    await send(home, linesOf('stories-rest'));
    t.match(await found(home, 'REL-7', ({ endedAt }) => endedAt !== undefined), { status: 'failed' });
    look(t, home, ['show', 'REL-7'], '3/3 stories: 2 passed · 1 failed');

    await send(home, linesOf('wrapped'));
    const wrapped = await found(home, 'REL-8', (task) => task.steps.length > 0);
    t.match(wrapped, { startedAt: '2026-09-21T14:13:20.250Z', steps: [{ id: 'US-9' }] });
    await send(home, linesOf('wrapped'));

    await send(home, linesOf('executions'));
    const run = await found(home, 'exec-42', ({ endedAt }) => endedAt !== undefined);
    t.match(run, { name: 'nightly-report', status: 'completed', durationMs: 18_500 });
    t.match(stepOf(run, 's2'), { status: 'completed', attempts: 2 });
    const used = /CPU up to 85.5%.*peak 100 MiB/;
    look(t, home, ['show', 'exec-42'], 'Fetch (shell)', used, '{"day":"monday"}', '{"pages":4}', '{"rows":10}');
    look(t, home, ['logs', 'exec-42', '--level', 'warning'], 'retrying with the default template');

    await send(home, linesOf('invocations'));
    t.match(await found(home, 'T-1', ({ endedAt }) => endedAt !== undefined), { status: 'failed' });
    look(t, home, ['show', 'T-1'], 'coder · codex · gpt-5', '3:30', 'rejected: no test');
    look(t, home, ['show', '--timeline', 'T-1'], "rg -n 'verified' src/", 'cat src/auth.ts');
    shows(
      t,
      home,
      ['logs', 'T-1'],
      "▸ rg -n 'verified' src/",
      '▸ cat src/auth.ts',
      '2 files changed',
      'lint failed once',
    );

    const client = await home.connect();
    const { executions } = await client.call('list', { all: true });
    await client.close();
    t.strictSame(
      executions.map(({ id }) => id).sort(),
      ['REL-7', 'REL-8', 'T-1', 'exec-42'],
      'no other execution, and a resend makes none',
    );
  });
}

t.test('tasks that are open at once never mix, and events without a task have a separate execution', async (t) => {
  const home = createHome(t);
  await home.startDaemon();
  const open = async () =>
    await new Promise<ReturnType<typeof dial>>((resolve) => {
      const socket = dial(home.paths.socket, () => resolve(socket));
      t.teardown(() => socket.destroy());
    });
  const [a, b, c] = [await open(), await open(), await open()];
  const story = (title: string) => `{"type":"story_started","data":{"story_id":"US-1","title":"${title}"}}\n`;
  c.write(story('of none'));
  await found(home, 'socket-', ({ steps }) => steps.length === 1);
  a.write('{"type":"task_started","data":{"task_id":"A"}}\n');
  b.write('{"type":"task_started","data":{"task_id":"B"}}\n');
  await found(home, 'A', () => true);
  await found(home, 'B', () => true);
  a.write(story('of A'));
  b.write(story('of B'));
  t.equal(stepOf(await found(home, 'A', ({ steps }) => steps.length === 1), 'US-1')?.name, 'of A');
  t.equal(stepOf(await found(home, 'B', ({ steps }) => steps.length === 1), 'US-1')?.name, 'of B');
});
