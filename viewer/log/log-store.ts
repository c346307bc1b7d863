/** The lines of one log: pages fetched when somebody looks at them, and what comes live at the end. Bounded. */
import type { ExecutionEvent } from '../../src/core/event.js';
import type { LogLine } from '../../src/core/log.js';
import { cutLine, linesOf } from '../../src/core/log.js';
import type { Api } from '../api.js';

export interface LogStore {
  /** The number of the last line. */
  readonly total: number;
  readonly loaded: boolean;
  line(number: number): LogLine | undefined;
  /** These will be looked at: what is not here is fetched. */
  want(from: number, to: number): void;
  /** All of them, for copying. */
  read(from: number, to: number): Promise<LogLine[]>;
  /** The lines that came live. */
  take(events: readonly ExecutionEvent[]): LogLine[];
  /** Begins again with the newest lines. */
  load(): Promise<void>;
}

const PAGE = 500;
/** Pages kept: some 50,000 lines. The ones that nobody has looked at for longest go. */
const MAX_PAGES = 100;
const TAIL = 200;

export function createLogStore(api: Api, id: string, onChange: () => void): LogStore {
  /** Sparse: line `n` stands in page `floor((n - 1) / PAGE)`. */
  let pages = new Map<number, (LogLine | undefined)[]>();
  const fetching = new Set<number>();
  let total = 0;
  let seq = 0;
  let loaded = false;
  let turn = 0;
  /** What came before the first answer. */
  let early: ExecutionEvent[] = [];

  const pageOf = (line: number) => Math.floor((line - 1) / PAGE);

  const put = (line: LogLine) => {
    const at = pageOf(line.line);
    let page = pages.get(at);
    if (!page) {
      page = [];
      pages.set(at, page);
      const [oldest] = pages.keys();
      if (pages.size > MAX_PAGES && oldest !== undefined) pages.delete(oldest);
    }
    page[(line.line - 1) % PAGE] = line;
  };

  const get = (line: number) => pages.get(pageOf(line))?.[(line - 1) % PAGE];

  const isWhole = (at: number) => {
    const wanted = Math.min(PAGE, total - at * PAGE);
    for (let line = at * PAGE + 1; line <= at * PAGE + wanted; line++) if (!get(line)) return false;
    return true;
  };

  const fetchPage = async (at: number) => {
    const mine = turn;
    fetching.add(at);
    try {
      const end = Math.min(total, (at + 1) * PAGE);
      for (let from = at * PAGE + 1; from <= end && mine === turn;) {
        const { lines } = await api.log(id, { from, limit: end - from + 1 });
        if (mine !== turn) return;
        lines.forEach(put);
        const last = lines.at(-1)?.line;
        // what has left the journal is not there to be had
        from = last === undefined ? end + 1 : last + 1;
      }
      onChange();
    } finally {
      fetching.delete(at);
    }
  };

  return {
    get total() {
      return total;
    },
    get loaded() {
      return loaded;
    },
    line: get,
    want(from, to) {
      for (let at = pageOf(Math.max(1, from)); at <= pageOf(Math.min(total, to)); at++) {
        const page = pages.get(at);
        // looked at: it is not the one that goes next
        if (page) {
          pages.delete(at);
          pages.set(at, page);
        }
        if (!fetching.has(at) && !isWhole(at)) fetchPage(at).catch(() => undefined);
      }
    },
    async read(from, to) {
      const lines: LogLine[] = [];
      for (let next = from; next <= to;) {
        const known = get(next);
        if (known && known.cut === undefined) {
          lines.push(known);
          next++;
          continue;
        }
        const page = await api.log(id, { from: next, limit: Math.min(1_000, to - next + 1), untruncated: true });
        if (page.lines.length === 0) break;
        lines.push(...page.lines);
        next = (page.lines.at(-1)?.line ?? to) + 1;
      }
      return lines;
    },
    take(events) {
      if (!loaded) {
        early.push(...events);
        return [];
      }
      const added: LogLine[] = [];
      for (const event of events) {
        if (event.execution !== id || event.seq <= seq) continue;
        seq = event.seq;
        for (const line of linesOf(event, total + 1)) {
          total = line.line;
          const shown = cutLine(line);
          put(shown);
          added.push(shown);
        }
      }
      return added;
    },
    async load() {
      const mine = ++turn;
      loaded = false;
      const answer = await api.log(id, { last: TAIL });
      if (mine !== turn) return;
      pages = new Map();
      ({ total, seq } = answer);
      answer.lines.forEach(put);
      loaded = true;
      const late = early;
      early = [];
      this.take(late);
      onChange();
    },
  };
}
