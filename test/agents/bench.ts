/** Records one session of a real agent in three independent instances: by its output, by its hooks, by its files. */
import { mkdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Test } from 'tap';
import type { ExecutionJson } from '../../src/core/execution.js';
import type { Agent } from '../../src/core/agents.js';
import { createHome } from '../helpers/daemon.js';
import type { Home } from '../helpers/daemon.js';
import { waitFor } from '../helpers/wait.js';
import { commandLine, prepare } from './command-lines.js';
import type { Script, StandIn } from './stand-in.js';
import { startStandIn } from './stand-in.js';

/** Timeout of an agent that starts, asks, is refused and retries. */
export const PATIENCE_MS = 120_000;

export const VIEWS = ['stream', 'hooks', 'transcript'] as const;
export type View = (typeof VIEWS)[number];

export interface Bench {
  model: StandIn;
  homes: Readonly<Record<View, Home>>;
  /** Working directory of the agent. */
  work: string;
  /** Starts a session whose output goes to `view`; returns the ID of its run. */
  start(script: Script, view?: View): string;
  /** Executions of the agent in this instance since the last start. */
  list(view: View): Promise<ExecutionJson[]>;
  /** Returns the session of this instance once the condition holds. */
  see(view: View, what: string, isSo: (execution: ExecutionJson) => boolean): Promise<ExecutionJson>;
  /** The transcript as `progress show` prints it. */
  transcript(view: View, id: string): string;
}

export async function openBench(t: Test, agent: Agent, program: string): Promise<Bench> {
  const model = await startStandIn();
  t.teardown(() => model.close());
  const homes = { stream: createHome(t), hooks: createHome(t), transcript: createHome(t) };
  const own = realpathSync(homes.stream.directory);
  const work = path.join(own, 'work');
  const bin = path.join(own, 'bin');
  mkdirSync(work);
  mkdirSync(bin);
  prepare(agent, own, model.url);
  writeFileSync(path.join(bin, agent), launcher(program, homes.hooks.directory), { mode: 0o755 });
  for (const home of Object.values(homes)) {
    Object.assign(home.env, { HOME: own, PATH: `${bin}:${process.env['PATH'] ?? ''}` });
    Object.assign(home.env, commandLine(agent, model.url).env);
  }
  // a session whose process was too short-lived to be observed
  writeFileSync(homes.transcript.paths.config, 'follow:\n  silence: 1m\n');
  for (const home of Object.values(homes)) await home.startDaemon();
  const { status, stderr } = homes.hooks.progress(['setup', agent]);
  if (status !== 0) throw new Error(stderr);
  homes.transcript.progress(['follow', agent, '--detach']);

  const clients = {
    stream: await homes.stream.connect(),
    hooks: await homes.hooks.connect(),
    transcript: await homes.transcript.connect(),
  };
  t.teardown(() => Promise.all(VIEWS.map((view) => clients[view].close())));

  /** Since the last `start`. */
  let begun = '';
  const list = async (view: View) => {
    const { executions } = await clients[view].call('list', { all: true });
    return executions.filter(({ kind, startedAt = '' }) => kind === 'agent' && startedAt >= begun);
  };
  return {
    model,
    homes,
    work,
    list,
    start(script, view = 'stream') {
      begun = new Date().toISOString();
      model.play(script);
      rmSync(work, { recursive: true, force: true });
      mkdirSync(work);
      const { argv } = commandLine(agent, model.url);
      const { stdout, stderr } = homes[view].progress(['run', '--detach', '--cwd', work, '--', ...argv]);
      if (stdout === '') throw new Error(stderr);
      return stdout.trim();
    },
    see: async (view, what, isSo) =>
      await waitFor(`${what} in ${view}`, async () => (await list(view)).find(isSo), PATIENCE_MS),
    transcript: (view, id) => homes[view].progress(['show', id, '--transcript']).stdout,
  };
}

/** The agent under its own name, with hooks that report to one instance, whichever runs it. */
function launcher(program: string, home: string): string {
  return `#!/bin/sh
if [ "$PROGRESS_HOME" != '${home}' ]; then
  unset PROGRESS_EXECUTION PROGRESS_STEP PROGRESS_SOCKET
  export PROGRESS_HOME='${home}'
fi
# some leave reports of what has failed there
export TMPDIR='${home}'
exec '${program}' "$@"
`;
}
