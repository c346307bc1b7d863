/** The log with what one does to it: find, filter, follow, wrap, download. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Execution } from '../src/core/execution.js';
import { isFinal } from '../src/core/execution.js';
import type { Level } from '../src/core/filter.js';
import { formatCount } from '../src/core/format.js';
import type { LogFilter } from '../src/core/log.js';
import { useServices } from './context.js';
import { Choice, isTyping } from './list.js';
import type { LogStore } from './log-store.js';
import { createLogStore } from './log-store.js';
import type { LogView } from './log-view.js';
import { createLogView } from './log-view.js';
import { Rows } from './ranges.js';
import type { LineRange } from './ranges.js';
import { setQuery, useRoute } from './route.js';

interface Props {
  execution: Execution;
  /** The log is wanted where this step began. */
  step: string | undefined;
  onStepShown: () => void;
}

const STREAMS = [
  ['', 'All streams'],
  ['stdout', 'stdout'],
  ['stderr', 'stderr'],
] as const;
const LEVELS = [
  ['', 'All levels'],
  ['info', 'info and above'],
  ['warning', 'warnings and errors'],
  ['error', 'errors'],
] as const;
/** Somebody is still writing. */
const TYPING_MS = 150;

export function LogPane({ execution, step, onStepShown }: Props) {
  const { api, model, announce } = useServices();
  const { query, hash } = useRoute();
  const holder = useRef<HTMLDivElement>(null);
  const input = useRef<HTMLInputElement>(null);
  const parts = useRef<{ store: LogStore; view: LogView } | undefined>(undefined);
  const [follow, setFollow] = useState({ following: true, unread: 0 });
  const [empty, setEmpty] = useState(false);
  const find = useFind(execution.id, query);
  const folds = useFolds(execution.id);
  const { id } = execution;
  const isOver = isFinal(execution.status);
  const wrap = query.get('wrap') === '1';
  const times = query.get('times') !== '0';

  useEffect(() => {
    const store = createLogStore(api, id, () => {
      view.changed();
      setEmpty(store.loaded && store.total === 0);
    });
    const view = createLogView({
      store,
      nameOf: (wanted) => model.find(id)?.steps.get(wanted)?.name,
      onFollow: (following, unread) => setFollow({ following, unread }),
      onPermalink: (from, to) => setQuery({}, from === to ? `#L${from}` : `#L${from}-L${to}`),
      onFold: (line) => void folds.toggle(line).then(({ hidden, folded }) => view.setHidden(hidden, folded)),
    });
    parts.current = { store, view };
    holder.current?.append(view.element);
    const stop = model.onChange((events, isFresh) => {
      // the whole may be another one: begin again, but where the reader is
      if (isFresh) void store.load().catch(() => undefined);
      else {
        const added = store.take(events);
        if (added.length > 0) view.added(added);
        setEmpty(store.loaded && store.total === 0);
      }
    });
    void store.load().then(
      () => {
        const target = targetOf(location.hash);
        if (target) view.reveal(...target);
        else if (isFinal(execution.status) && execution.status === 'completed') view.scrollBy(-Infinity);
      },
      (error: unknown) => announce((error as Error).message),
    );
    return () => {
      stop();
      view.destroy();
      view.element.remove();
      parts.current = undefined;
    };
  }, [id]);

  useEffect(() => parts.current?.view.setWrap(wrap), [wrap]);
  useEffect(() => {
    const view = parts.current?.view;
    if (!view) return;
    view.setFind(find.text, false);
    view.setFilter(find.filter, find.filterRanges);
  }, [find.found, find.filterRanges]);
  useEffect(() => {
    if (find.current !== undefined) parts.current?.view.reveal(find.current);
  }, [find.current]);
  useEffect(() => {
    const target = targetOf(hash);
    if (target && parts.current?.store.loaded) parts.current.view.reveal(...target);
  }, [hash]);
  useEffect(() => {
    if (step === undefined) return;
    void api.timeline(id).then(({ steps }) => {
      const line = steps.find((one) => one.step === step)?.line;
      if (line === undefined) announce('This step has no line in the log');
      else parts.current?.view.reveal(line);
      onStepShown();
    });
  }, [step]);

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const view = parts.current?.view;
      if (!view) return;
      if (event.key === 'f' && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey) {
        // pressed again it is the browser's own
        if (document.activeElement === input.current) return;
        event.preventDefault();
        input.current?.focus();
        input.current?.select();
        return;
      }
      if (isTyping(event)) return;
      const move = MOVES[event.key];
      if (event.key === '/') {
        event.preventDefault();
        input.current?.focus();
      } else if (event.key === 'End' || event.key === 'G') {
        event.preventDefault();
        view.follow();
      } else if (move !== undefined) {
        event.preventDefault();
        view.scrollBy(move);
      }
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);

  const download = async () => {
    try {
      const url = URL.createObjectURL(await api.text(id));
      const link = document.createElement('a');
      link.href = url;
      link.download = `progress-${id.replace(/[^\w.-]/g, '_')}.log`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(url), 10_000);
    } catch (error) {
      announce((error as Error).message);
    }
  };

  return (
    <div class={times ? 'log-pane' : 'log-pane no-times'}>
      <div class="tools" role="toolbar" aria-label="Log">
        <input
          ref={input}
          type="search"
          aria-label="Find in the whole log"
          placeholder="Find  ( Ctrl-F )"
          value={find.text}
          onInput={(event) => setQuery({ find: event.currentTarget.value })}
          onKeyDown={(event) => {
            if (event.key !== 'Enter') return;
            event.preventDefault();
            find.step(event.shiftKey ? -1 : 1);
          }}
        />
        {find.text !== '' && (
          <>
            <span class="count" role="status">
              {find.found === undefined ? '…' : countText(find)}
            </span>
            <button aria-label="Match before" onClick={() => find.step(-1)}>
              ↑
            </button>
            <button aria-label="Next match" onClick={() => find.step(1)}>
              ↓
            </button>
            <Switch label="Only matches" field="only" query={query} />
          </>
        )}
        <Choice
          label="Stream"
          options={STREAMS}
          value={query.get('stream') ?? ''}
          onChange={(stream) => setQuery({ stream })}
        />
        <Choice
          label="Level"
          options={LEVELS}
          value={query.get('level') ?? ''}
          onChange={(level) => setQuery({ level })}
        />
        <Switch label="Wrap" field="wrap" query={query} />
        <label>
          <input
            type="checkbox"
            checked={times}
            onChange={(event) => setQuery({ times: event.currentTarget.checked ? '' : '0' })}
          />
          Times
        </label>
        <button onClick={() => void download()}>Download</button>
      </div>
      <div class="log-holder" ref={holder}>
        {empty && <p class="empty">{isOver ? 'It wrote nothing.' : emptyText(execution)}</p>}
        {!follow.following && !isOver && (
          <button class="follow" onClick={() => parts.current?.view.follow()}>
            ↓ {follow.unread === 0 ? 'Follow' : `${formatCount(follow.unread)} new lines`}
          </button>
        )}
      </div>
    </div>
  );
}

const MOVES: Readonly<Record<string, number>> = {
  j: 1,
  k: -1,
  ArrowDown: 1,
  ArrowUp: -1,
  PageDown: 20,
  PageUp: -20,
  Home: -Infinity,
};

function Switch({ label, field, query }: { label: string; field: string; query: URLSearchParams }) {
  return (
    <label>
      <input
        type="checkbox"
        checked={query.get(field) === '1'}
        onChange={(event) => setQuery({ [field]: event.currentTarget.checked ? '1' : '' })}
      />
      {label}
    </label>
  );
}

interface Found {
  ranges: readonly LineRange[];
  matched: number;
}

/** The text that is looked for, and the filter; both are carried out over the whole log by the daemon. */
function useFind(id: string, query: URLSearchParams) {
  const { api, announce } = useServices();
  const text = query.get('find') ?? '';
  const stream = query.get('stream') ?? '';
  const level = query.get('level') ?? '';
  const only = query.get('only') === '1' && text !== '';
  const [found, setFound] = useState<Found | undefined>();
  const [filterRanges, setFilterRanges] = useState<readonly LineRange[]>([]);
  const [index, setIndex] = useState(0);
  const filter: LogFilter | undefined =
    stream === '' && level === '' && !only
      ? undefined
      : {
          ...(stream !== '' && { stream }),
          ...(level !== '' && { level: level as Level }),
          ...(only && { text }),
        };

  useEffect(() => {
    setFound(undefined);
    const controller = new AbortController();
    const timer = setTimeout(() => {
      const narrow = { ...(stream !== '' && { stream }), ...(level !== '' && { level: level as Level }) };
      const ask = async () => {
        const hits = text === '' ? undefined : await api.search(id, { ...narrow, text }, controller.signal);
        const rest = filter && !only ? await api.search(id, narrow, controller.signal) : hits;
        setFound(hits);
        setFilterRanges(filter && rest ? rest.ranges : []);
        setIndex(0);
      };
      ask().catch((error: unknown) => {
        if (!controller.signal.aborted) announce((error as Error).message);
      });
    }, TYPING_MS);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [id, text, stream, level, only]);

  const rows = found && new Rows(found.ranges);
  const count = rows?.lines ?? 0;
  return {
    text,
    found,
    filter,
    filterRanges,
    index,
    matched: found?.matched ?? 0,
    /** The line of the match that is looked at. */
    current: count === 0 ? undefined : rows?.at(index)?.line,
    step(by: number) {
      if (count > 0) setIndex((index + by + count) % count);
    },
  };
}

function countText({ index, matched }: { index: number; matched: number }): string {
  return matched === 0 ? 'none' : `${formatCount(index + 1)} of ${formatCount(matched)}`;
}

/** Which steps' lines are hidden: from behind the line where a step begins to the one where the next begins. */
function useFolds(id: string) {
  const { api } = useServices();
  const folded = useRef(new Set<number>());
  return {
    async toggle(line: number) {
      if (!folded.current.delete(line)) folded.current.add(line);
      const { steps } = await api.timeline(id);
      const begins = steps.map((one) => one.line).sort((a, b) => a - b);
      const hidden = [...folded.current].map((begin): LineRange => {
        const next = begins.find((other) => other > begin);
        return [begin + 1, next === undefined ? Number.MAX_SAFE_INTEGER : next - 1];
      });
      return { hidden, folded: new Set(folded.current) };
    },
  };
}

/** `#L10` and `#L10-L20`. */
function targetOf(hash: string): [from: number, to: number] | undefined {
  const [, from, to] = /^#L(\d{1,15})(?:-L(\d{1,15}))?$/.exec(hash) ?? [];
  return from === undefined ? undefined : [Number(from), Number(to ?? from)];
}

function emptyText({ status, name }: Execution): string {
  return status === 'queued' ? `${name} waits for its turn.` : 'No output yet.';
}
