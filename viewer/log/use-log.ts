/** Hooks that keep a log view in step with the execution, the search and the address. */
import type { RefObject } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Execution } from '../../src/core/execution.js';
import type { Services } from '../context.js';
import { useServices } from '../context.js';
import { setQuery, useRoute } from '../route.js';
import type { FindState } from './find.js';
import { LogStore } from './log-store.js';
import { LogView } from './log-view.js';
import type { Marks } from './marks.js';
import { NO_MARKS, PatternMarks, textMarks } from './marks.js';
import { StepFolds } from './step-folds.js';

interface LogParts {
  store: LogStore;
  view: LogView;
}

export interface LogModel {
  /** The element that the view is put into. */
  holder: RefObject<HTMLDivElement | null>;
  /** Absent until the component is mounted. */
  parts: RefObject<LogParts | null>;
  isFollowing: boolean;
  /** Number of lines that arrived below a reader. */
  unread: number;
  isEmpty: boolean;
}

/** Creates the store and the view of an execution's log, and feeds them with events. */
export function useLog({ id, status }: Execution): LogModel {
  const services = useServices();
  const holder = useRef<HTMLDivElement>(null);
  const parts = useRef<LogParts>(null);
  const [follow, setFollow] = useState({ isFollowing: true, unread: 0 });
  const [isEmpty, setEmpty] = useState(false);
  useEffect(() => {
    const { announce } = services;
    const store = new LogStore(services.api, id, () => {
      view.refresh();
      setEmpty(store.isEmpty);
    });
    const view = createView(services, id, store, (isFollowing, unread) => setFollow({ isFollowing, unread }));
    parts.current = { store, view };
    holder.current?.append(view.element);
    const stop = feed(services, store, view, () => setEmpty(store.isEmpty));
    void store.load().then(
      () => {
        const target = targetOf(location.hash);
        if (target) view.reveal(...target);
        else if (status === 'completed') view.scrollBy(-Infinity);
      },
      (error: unknown) => announce((error as Error).message),
    );
    return () => {
      stop();
      view.destroy();
      parts.current = null;
    };
  }, [id]);
  return { holder, parts, ...follow, isEmpty };
}

function createView({ api, model, announce }: Services, id: string, store: LogStore, onFollow: OnFollow): LogView {
  const folds = new StepFolds(api, id);
  const view = new LogView({
    store,
    announce,
    onFollow,
    nameOf: (step) => model.find(id)?.steps.get(step)?.name,
    onPermalink: (from, to) => setQuery({}, from === to ? `#L${from}` : `#L${from}-L${to}`),
    onFold: (line) => void folds.toggle(line).then(({ hidden, folded }) => view.setFolds(hidden, folded)),
  });
  return view;
}

type OnFollow = (isFollowing: boolean, unread: number) => void;

/** Passes events to the store and the view. @returns A function that ends it. */
function feed({ model }: Services, store: LogStore, view: LogView, onLines: () => void): () => void {
  return model.onChange((events, isFresh) => {
    // any line may be another one; the reader stays at the same line number
    if (isFresh) return void store.load().catch(() => undefined);
    const added = store.apply(events);
    if (added.length > 0) view.append(added);
    onLines();
  });
}

/** Passes the search, the filter and the options of the address to the view. */
export function useLogDisplay({ parts }: LogModel, id: string, find: FindState, isWrapped: boolean): void {
  const { api } = useServices();
  const view = () => parts.current?.view;
  useEffect(() => view()?.setWrap(isWrapped), [isWrapped]);
  useEffect(() => {
    view()?.setMarks(marksOf());
  }, [id, find.text, find.exact, find.regex]);
  useEffect(() => view()?.setFilter(find.filter), [id, find.filter]);

  function marksOf(): Marks {
    if (find.text === '') return NO_MARKS;
    return find.regex ? new PatternMarks(api, id, find, () => view()?.redraw()) : textMarks(find);
  }
}

/** Scrolls to the current match, to the line of the address, and to the start of a step. */
export function useLogTargets(
  { parts }: LogModel,
  id: string,
  match: number | undefined,
  step: string | undefined,
  onStepShown: () => void,
): void {
  const { api, announce } = useServices();
  const { hash } = useRoute();
  useEffect(() => {
    if (match !== undefined) parts.current?.view.reveal(match);
  }, [match]);
  useEffect(() => {
    const target = targetOf(hash);
    const { store, view } = parts.current ?? {};
    // a click on a line's number marked it already
    if (target && store?.isLoaded && !view?.isMarked(...target)) view?.reveal(...target);
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
}

/** Parses `#L10` and `#L10-L20`. */
function targetOf(hash: string): [from: number, to: number] | undefined {
  const [, from, to] = /^#L(\d{1,15})(?:-L(\d{1,15}))?$/.exec(hash) ?? [];
  return from === undefined ? undefined : [Number(from), Number(to ?? from)];
}
