/** The log with what one does to it: find, filter, follow, wrap, download. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Execution } from '../../src/core/execution.js';
import { isFinal } from '../../src/core/execution.js';
import { formatCount } from '../../src/core/format.js';
import { useServices } from '../context.js';
import { Choice, Tick } from '../fields.js';
import { FindBar } from './find-bar.js';
import { useFind } from './find.js';
import { useKeys } from '../keys.js';
import type { LogStore } from './log-store.js';
import { createLogStore } from './log-store.js';
import type { LogView } from './log-view.js';
import { createLogView } from './log-view.js';
import { NO_MARKS, patternMarks, textMarks } from './marks.js';
import type { LineRange } from './ranges.js';
import { setQuery, useRoute } from '../route.js';

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
const PAGE_ROWS = 20;

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
  const only = query.get('only') === '1';

  useEffect(() => {
    const store = createLogStore(api, id, () => {
      view.changed();
      setEmpty(store.loaded && store.total === 0);
    });
    const view = createLogView({
      store,
      announce,
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
    parts.current?.view.setMarks(
      find.text === ''
        ? NO_MARKS
        : find.regex
          ? patternMarks(api, id, find, () => parts.current?.view.remark())
          : textMarks(find),
    );
  }, [id, find.text, find.exact, find.regex]);
  useEffect(() => {
    parts.current?.view.setFilter(find.filter?.test, find.filter?.ranges);
  }, [id, find.filter]);
  useEffect(() => {
    if (find.current !== undefined) parts.current?.view.reveal(find.current);
  }, [find.current]);
  useEffect(() => {
    const target = targetOf(hash);
    const { store, view } = parts.current ?? {};
    // who clicked on a line's number is there
    if (target && store?.loaded && !view?.isMarked(...target)) view?.reveal(...target);
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

  const view = () => parts.current?.view;
  const toFind = () => {
    // pressed again it is the browser's own
    if (document.activeElement === input.current) return false;
    input.current?.select();
    return input.current?.focus();
  };
  const toggle = (field: string, isOn: boolean) => setQuery({ [field]: isOn ? '' : '1' });
  useKeys(2, 'The log', [
    { names: ['Ctrl-f'], what: 'Find; again: the browser’s own', always: true, run: toFind },
    { names: ['/'], what: 'Find', run: toFind },
    { names: ['n'], what: 'Next match', run: () => find.text !== '' && find.step(1) },
    { names: ['N'], what: 'Match before', run: () => find.text !== '' && find.step(-1) },
    { names: ['Enter', 'Shift-Enter'], what: 'The same, while one writes' },
    { names: ['Alt-r'], what: 'Regular expression or text', always: true, run: () => toggle('re', find.regex) },
    { names: ['Alt-c'], what: 'Upper and lower case differ', always: true, run: () => toggle('case', find.exact) },
    { names: ['m'], what: 'Only matches', run: () => toggle('only', only) },
    { names: ['j', 'ArrowDown'], what: 'A line down', run: () => view()?.scrollBy(1) },
    { names: ['k', 'ArrowUp'], what: 'A line up', run: () => view()?.scrollBy(-1) },
    { names: ['PageDown'], what: 'A page down', run: () => view()?.scrollBy(PAGE_ROWS) },
    { names: ['PageUp'], what: 'A page up', run: () => view()?.scrollBy(-PAGE_ROWS) },
    { names: ['g', 'Home'], what: 'To the beginning', run: () => view()?.scrollBy(-Infinity) },
    { names: ['G', 'End'], what: 'To the end, and follow it', run: () => view()?.follow() },
    { names: ['Ctrl-a'], what: 'Select the whole log', run: () => view()?.selectAll() },
    { names: ['Ctrl-c'], what: 'Copy what is selected, or marked' },
    { names: ['w'], what: 'Wrap long lines', run: () => toggle('wrap', wrap) },
    { names: ['t'], what: 'Times', run: () => setQuery({ times: times ? '0' : '' }) },
    { names: ['d'], what: 'Download', run: () => void download() },
  ]);

  return (
    <div class={times ? 'log-pane' : 'log-pane no-times'}>
      <div class="tools" role="toolbar" aria-label="Log">
        <FindBar field={input} find={find} only={only} onLeave={() => view()?.element.focus()} />
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
        <Tick label="Wrap" isOn={wrap} onChange={() => toggle('wrap', wrap)} />
        <Tick label="Times" isOn={times} onChange={(isOn) => setQuery({ times: isOn ? '' : '0' })} />
        <button onClick={() => void download()}>Download</button>
      </div>
      <div class="log-holder" ref={holder}>
        {empty && <p class="empty">{isOver ? 'It wrote nothing.' : emptyText(execution)}</p>}
        {!follow.following && !isOver && (
          <button class="follow" onClick={() => view()?.follow()}>
            ↓ {follow.unread === 0 ? 'Follow' : `${formatCount(follow.unread)} new lines`}
          </button>
        )}
      </div>
    </div>
  );
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
