/** Recorded changes of Claude Code's registry, replayed into a directory, with hooks and a manual clock. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Test } from 'tap';
import type { NewEvent } from '../../src/core/events/event.js';
import { createAgentStates } from '../../src/daemon/sessions/agent-states.js';
import { ClaudeProcesses } from '../../src/agents/claude/process-registry.js';
import { createReplay } from './hook-calls.js';

const DIRECTORY = path.resolve(import.meta.dirname, '../fixtures/recordings/claude-sessions');

export const RECORDINGS = ['interrupt-exit', 'permission-clear-continue-kill'] as const;

/** One line of a recording. */
export interface Recorded {
  at: number;
  /** What the user did. */
  note?: string;
  file?: string;
  content?: Record<string, unknown>;
  removed?: true;
}

export function recordedStates(name: (typeof RECORDINGS)[number]): Recorded[] {
  const text = readFileSync(path.join(DIRECTORY, `rec-2.1.197-${name}.jsonl`), 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Recorded);
}

export function openAgentStates(t: Test) {
  const root = mkdtempSync(path.join(tmpdir(), 'progress-test-'));
  const directory = path.join(root, 'sessions');
  mkdirSync(directory);
  let clock = 0;
  /** Start times of running processes. */
  const starts = new Map<number, number>();
  const at = (file: string) => path.join(directory, file);
  // without a watcher: each check reads everything, so that a test need not wait
  const registry = new ClaudeProcesses({ directory, startOf: (pid) => starts.get(pid), isWatched: false });
  const registries = new Map([['claude', registry]]);
  const replay = createReplay({ registries });
  const stamp = () => new Date(clock).toISOString();
  const take = (event: Parameters<typeof replay.event>[0]) => {
    const before = replay.events.length;
    replay.event({ time: stamp(), ...event });
    states.onBatch(replay.events.slice(before).map((one, index) => ({ time: stamp(), seq: before + index, ...one })));
  };
  const states = createAgentStates({
    state: replay.state,
    registries,
    record(...given: [NewEvent]) {
      t.equal(given.length, 1, 'an event is recorded without further arguments');
      take(given[0]);
    },
    now: () => clock,
    checkMs: 3_600_000,
  });
  t.teardown(() => {
    states.close();
    replay.close();
    rmSync(root, { recursive: true, force: true });
  });
  return {
    ...replay,
    registry,
    /** Records an event of another source. */
    take,
    /** Advances the clock, with a check every second. */
    until(time: number) {
      if (clock === 0) clock = time;
      while (clock < time) {
        clock = Math.min(time, clock + 1_000);
        states.check();
      }
    },
    /** Replays one line of a recording; a process exists as long as it has a file, unless it is killed. */
    play({ at: time, file, content, removed }: Recorded) {
      this.until(time);
      const pid = Number.parseInt(file ?? '');
      if (file !== undefined && removed) rmSync(at(file), { force: true });
      if (removed) starts.delete(pid);
      if (file === undefined || !content) return;
      if (!starts.has(pid)) starts.set(pid, Number(content['procStart']));
      writeFileSync(at(file), JSON.stringify(content));
      registry.refresh();
    },
    kill: (pid: number) => void starts.delete(pid),
    /** Calls a hook of Claude Code. */
    hook(session: string, event: string, more: object = {}) {
      const before = replay.events.length;
      replay.call('claude', { session_id: session, cwd: '/w', hook_event_name: event, timestamp: stamp(), ...more });
      const calls = replay.events.slice(before).map((one, index) => ({ time: stamp(), ...one, seq: before + index }));
      states.onBatch(calls);
    },
  };
}
