/** Runs in the process of a test, with the events that they write to the spool of a private home. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { EventData } from '../../src/core/events/event.js';
import type { RunOptions } from '../../src/runner/run.js';
import { Run } from '../../src/runner/run.js';
import type { RunRequest } from '../../src/runner/spec.js';
import { createSpec } from '../../src/runner/spec.js';
import type { RunSpec } from '../../src/runner/store.js';
import { writeSpec } from '../../src/runner/store.js';
import { SPOOL_SUFFIX } from '../../src/spool/names.js';
import type { Home } from './daemon.js';
import { waitFor } from './wait.js';

export interface Emitted {
  type: string;
  execution: string;
  time: string;
  data: EventData;
}

export interface StartedRun {
  run: Run;
  spec: RunSpec;
  /** All events so far, oldest first. No daemon may be running, which would take them. */
  events: () => Emitted[];
  /** Text of a stream; `system` is for messages of the runner. */
  text: (stream: string) => string;
  /** Waits until its standard output contains this. */
  says: (text: string) => Promise<void>;
  /** PID of the command. */
  pid: () => Promise<number>;
  outcome: () => Emitted;
}

const OUTPUT_LIMIT = 64 * 1024 * 1024;

export interface StartOptions {
  wanted?: Partial<RunRequest>;
  options?: Partial<RunOptions>;
}

/** Starts a run in a directory of its own: only the paths of a home are needed. */
export function startHere(
  { paths, env }: Pick<Home, 'paths' | 'env'>,
  argv: readonly string[],
  { wanted, options }: StartOptions = {},
): StartedRun {
  const spec = createSpec({ ...wanted, argv }, env, paths);
  writeSpec(paths, spec);
  const run = new Run({
    paths,
    spec,
    announced: false,
    waits: false,
    stdin: 'ignore',
    stderr: 'apart',
    outputLimit: OUTPUT_LIMIT,
    thorough: false,
    ...options,
  });
  const file = path.join(paths.spool, `run-${process.pid}-${spec.id}${SPOOL_SUFFIX}`);
  const events = () =>
    readFileSync(file, 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Emitted);
  const text = (stream: string) =>
    events()
      .filter(({ type, data }) => type === 'output' && data['stream'] === stream)
      .map(({ data }) => data['text'])
      .join('\n');
  return {
    run,
    spec,
    events,
    text,
    says: async (expected) => {
      await waitFor(`"${expected}"`, () => text('stdout').includes(expected));
    },
    pid: () =>
      waitFor('the command', () => {
        const pid = events().find(({ type }) => type === 'execution_started')?.data['pid'];
        return typeof pid === 'number' && pid;
      }),
    outcome: () => events().at(-1)!,
  };
}

/** Types of its events, without its output. */
export function typesOf({ events }: StartedRun): string[] {
  return events()
    .map(({ type }) => type)
    .filter((type) => type !== 'output');
}
