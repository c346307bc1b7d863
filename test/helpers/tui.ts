/** A full screen over executions in memory, driven by keys. */
import { stripAnsi } from '../../src/core/text/ansi.js';
import type { Execution } from '../../src/core/execution.js';
import type { LogLine } from '../../src/core/events/log.js';
import type { QueueView } from '../../src/core/state/queues.js';
import type { TuiLogSearch, TuiSource } from '../../src/terminal/tui/page.js';
import { Tui } from '../../src/terminal/tui/tui.js';
import { START } from './models.js';

export interface TuiBench {
  tui: Tui;
  /** What was asked of the daemon: `stop 7hq2`. */
  calls: string[];
  copied: string[];
  hasQuit(): boolean;
  executions: Execution[];
  /** Lines of every log. */
  log: LogLine[];
  queues: QueueView[];
  press(...keys: string[]): void;
  /** Types a text without spaces. */
  type(text: string): void;
  /** The screen without colours, trailing spaces cut. */
  screen(columns?: number, rows?: number): string[];
}

export function createTuiBench(executions: Execution[], log: LogLine[] = []): TuiBench {
  const calls: string[] = [];
  const copied: string[] = [];
  let hasQuit = false;
  const bench = { calls, copied, executions, log, queues: [] as QueueView[] };
  const source: TuiSource = {
    executions: () => bench.executions,
    find: (id) => bench.executions.find((one) => one.id === id),
    now: () => START + 60_000,
    connection: () => ({ state: 'live' }),
    async log(_id, from, limit) {
      return { lines: bench.log.slice(from - 1, from - 1 + limit), total: bench.log.length };
    },
    recentLines: () => [],
    async search(_id, search) {
      const found = bench.log.filter((line) => line.line >= (search.from ?? 1) && isFound(line, search));
      return { ranges: found.map(({ line }) => [line, line] as const), matched: found.length };
    },
    timeline: async () => ({ steps: [], samples: [] }),
    queues: async () => bench.queues,
    async control(id, action) {
      calls.push(`${action} ${id}`);
    },
    async rerun(id, words) {
      calls.push(`rerun ${id}${words ? ` ${JSON.stringify(words)}` : ''}`);
      return 'new';
    },
    async attach(id) {
      calls.push(`attach ${id}`);
      return '';
    },
    async exportArchive(id, file, force) {
      calls.push(`export ${id} ${file}${force ? ' force' : ''}`);
      return force;
    },
    async setQueue(name, change) {
      calls.push(`queue ${name} ${JSON.stringify(change)}`);
    },
    async moveInQueue(id, position) {
      calls.push(`move ${id} ${position}`);
    },
    openBrowser: async () => 'http://127.0.0.1/',
    follow: (id) => void calls.push(`follow ${id ?? 'none'}`),
  };
  const tui = new Tui({
    source,
    onChange: () => {},
    onQuit: () => (hasQuit = true),
    copy: (text) => void copied.push(text),
    onMouseToggle: () => {},
    ring: () => void calls.push('bell'),
    leaveFor: (program) => program(),
  });
  return Object.assign(bench, {
    hasQuit: () => hasQuit,
    tui,
    press: (...keys: string[]) => keys.forEach((key) => tui.onKey(key)),
    type: (text: string) => text.split('').forEach((key) => tui.onKey(key === ' ' ? 'space' : key)),
    screen: (columns = 80, rows = 16) =>
      tui.lines({ columns, rows }, { color: false, ascii: false }).map((line) => stripAnsi(line).trimEnd()),
  });
}

function isFound(line: LogLine, { text = '', level, stream, regex, step, types }: TuiLogSearch): boolean {
  if (step !== undefined && line.step !== step) return false;
  if (types !== undefined && !types.includes(line.type)) return false;
  if (level !== undefined && line.level !== level) return false;
  if (stream !== undefined && line.stream !== stream) return false;
  return regex ? new RegExp(text).test(line.text) : line.text.includes(text);
}
