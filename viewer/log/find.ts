/** Searches a log and filters its lines. Both cover the whole log and are carried out by the daemon. */
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { Level } from '../../src/core/events/filter.js';
import { lineTest } from '../../src/core/events/log.js';
import type { SearchReply } from '../../src/api/replies.js';
import type { LogQuery } from '../api.js';
import { ApiError } from '../api.js';
import { useServices } from '../context.js';
import type { Find } from './marks.js';
import { Rows } from './ranges.js';
import type { LineFilter } from './shown-lines.js';

export interface FindState extends Find {
  /** Absent while the answer is pending, or without a text. */
  found: SearchReply | undefined;
  /** Why the text is no valid pattern. */
  error: string | undefined;
  /** Absent: all lines are shown. */
  filter: LineFilter | undefined;
  /** The current match, counted from 0, and its line. */
  index: number;
  current: number | undefined;
  /** Moves to another match, around the ends. */
  step(by: number): void;
}

/** Debounce while the user types. */
const TYPING_MS = 150;
/** Throttle of the search in lines that were added. */
const ADDED_MS = 1_000;
/** Limit of ranges that can be stepped through, that of one reply. */
const MAX_RANGES = 50_000;

/** @param query Query of the address: `find`, `re`, `case`, `only`, `stream`, `level`. */
export function useFind(id: string, query: URLSearchParams): FindState {
  const text = query.get('find') ?? '';
  const [regex, exact] = [query.get('re') === '1', query.get('case') === '1'];
  const conditions = conditionsOf(query);
  const search: LogQuery = { ...conditions, text, ...(exact && { caseSensitive: true }), ...(regex && { regex }) };
  const { found, error, index, setIndex } = useMatches(id, search);
  const only = query.get('only') === '1' && text !== '';
  const filter = useFilter(id, conditions, search, only, found);
  const rows = useMemo(() => new Rows(found?.ranges), [found]);
  return {
    ...{ text, regex, exact, found, error, filter, index },
    current: rows.at(index)?.line,
    step(by) {
      if (rows.lines > 0) setIndex((index + by + rows.lines) % rows.lines);
    },
  };
}

/** Returns the conditions besides the text. */
function conditionsOf(query: URLSearchParams): LogQuery {
  const stream = query.get('stream') ?? '';
  const level = query.get('level') ?? '';
  return { ...(stream !== '' && { stream }), ...(level !== '' && { level: level as Level }) };
}

/** Searches for a text, first in the whole log, then in the lines that are added. */
function useMatches(id: string, search: LogQuery) {
  const { api, announce } = useServices();
  const [found, setFound] = useState<SearchReply | undefined>();
  const [error, setError] = useState<string | undefined>();
  const [index, setIndex] = useState(0);
  const key = JSON.stringify([id, search]);
  useEffect(() => {
    setFound(undefined);
    setError(undefined);
    if (search.text === '') return;
    const onError = (thrown: unknown) => {
      if (thrown instanceof ApiError && thrown.status === 400) setError(thrown.message);
      else announce((thrown as Error).message);
    };
    return debounce(async (signal) => {
      setFound(await api.search(id, search, signal));
      setIndex(0);
    }, onError);
  }, [key]);
  useAddedMatches(id, search, key, found, setFound);
  return { found, error, index, setIndex };
}

/** Searches again when the log has grown, from the line at which the last search ended. */
function useAddedMatches(
  id: string,
  search: LogQuery,
  key: string,
  found: SearchReply | undefined,
  setFound: (found: SearchReply) => void,
): void {
  const { api, model } = useServices();
  useEffect(() => {
    if (!found) return;
    const controller = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const request = async () => {
      const added = await api.search(id, { ...search, from: found.total + 1 }, controller.signal);
      const ranges = [...found.ranges, ...added.ranges].slice(0, MAX_RANGES);
      setFound({ ...added, ranges, matched: found.matched + added.matched });
    };
    const stop = model.onChange((events) => {
      if (!events.some(({ execution }) => execution === id)) return;
      timer ??= setTimeout(() => void request().catch(() => undefined), ADDED_MS);
    });
    return () => {
      clearTimeout(timer);
      controller.abort();
      stop();
    };
  }, [key, found]);
}

/** Returns which lines are shown: those that match, or those of a stream or level. */
function useFilter(
  id: string,
  conditions: LogQuery,
  search: LogQuery,
  only: boolean,
  found: SearchReply | undefined,
): LineFilter | undefined {
  const { api, announce } = useServices();
  const [filter, setFilter] = useState<LineFilter | undefined>();
  const { regex = false } = search;
  // live lines are tested for a text here; for a pattern the search is repeated
  useEffect(() => {
    if (only && found) setFilter({ ranges: found.ranges, test: regex ? () => false : lineTest(search) });
  }, [only, regex ? found : found !== undefined]);
  useEffect(() => {
    if (only) return;
    if (Object.keys(conditions).length === 0) return setFilter(undefined);
    const onError = (thrown: unknown) => announce((thrown as Error).message);
    return debounce(async (signal) => {
      const { ranges } = await api.search(id, conditions, signal);
      setFilter({ ranges, test: lineTest(conditions) });
    }, onError);
  }, [only, JSON.stringify([id, conditions])]);
  return filter;
}

/** Runs a task after a pause in typing. @returns A function that cancels it. */
function debounce(task: (signal: AbortSignal) => Promise<void>, onError: (thrown: unknown) => void): () => void {
  const controller = new AbortController();
  const timer = setTimeout(() => {
    task(controller.signal).catch((thrown: unknown) => {
      if (!controller.signal.aborted) onError(thrown);
    });
  }, TYPING_MS);
  return () => {
    clearTimeout(timer);
    controller.abort();
  };
}
