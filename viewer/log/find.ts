/** What is looked for in a log, and the filter; both are carried out over the whole log by the daemon. */
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { Level } from '../../src/core/filter.js';
import type { LogLine } from '../../src/core/log.js';
import { lineTest } from '../../src/core/log.js';
import type { LogQuery, SearchReply } from '../api.js';
import { ApiError } from '../api.js';
import { useServices } from '../context.js';
import type { Find } from './marks.js';
import { Rows } from './ranges.js';
import type { LineRange } from './ranges.js';

export interface FindState extends Find {
  /** Absent while the answer is on its way, or there is nothing to look for. */
  found: SearchReply | undefined;
  /** Why the text cannot be looked for. */
  error: string | undefined;
  /** Which lines are shown; absent: all. */
  filter: Filter | undefined;
  /** Of the matches the one that is looked at, counted from 0, and its line. */
  index: number;
  current: number | undefined;
  step(by: number): void;
}

interface Filter {
  ranges: readonly LineRange[];
  /** Is a line that comes live one of them? */
  test: (line: LogLine) => boolean;
}

/** Somebody is still writing. */
const TYPING_MS = 150;
/** How often a log that grows is looked through again, from where the last look ended. */
const AGAIN_MS = 1_000;
/** That are stepped through, as many as one answer may hold. */
const MAX_RANGES = 50_000;

/** `query` is that of the address: `find`, `re`, `case`, `only`, `stream`, `level`. */
export function useFind(id: string, query: URLSearchParams): FindState {
  const { api, model, announce } = useServices();
  const text = query.get('find') ?? '';
  const [regex, exact] = [query.get('re') === '1', query.get('case') === '1'];
  const stream = query.get('stream') ?? '';
  const level = query.get('level') ?? '';
  const only = query.get('only') === '1' && text !== '';
  const [found, setFound] = useState<SearchReply | undefined>();
  const [filter, setFilter] = useState<Filter | undefined>();
  const [error, setError] = useState<string | undefined>();
  const [index, setIndex] = useState(0);
  const narrow: LogQuery = { ...(stream !== '' && { stream }), ...(level !== '' && { level: level as Level }) };
  const wanted: LogQuery = { ...narrow, text, ...(exact && { caseSensitive: true }), ...(regex && { regex }) };
  const narrowKey = JSON.stringify([id, narrow]);
  const key = JSON.stringify([id, wanted]);
  const failed = (thrown: unknown) => {
    if (thrown instanceof ApiError && thrown.status === 400) setError(thrown.message);
    else announce((thrown as Error).message);
  };

  useEffect(() => {
    setFound(undefined);
    setError(undefined);
    if (text === '') return;
    return later(async (signal) => {
      setFound(await api.search(id, wanted, signal));
      setIndex(0);
    }, failed);
  }, [key]);

  // a text is looked for here, line by line, in what comes live; a pattern is not
  useEffect(() => {
    if (!only || !found) return;
    setFilter({
      ranges: found.ranges,
      test: regex ? () => false : lineTest({ ...narrow, text, caseSensitive: exact }),
    });
  }, [only, regex ? found : found !== undefined]);
  useEffect(() => {
    if (only) return;
    if (stream === '' && level === '') return setFilter(undefined);
    return later(async (signal) => {
      const { ranges } = await api.search(id, narrow, signal);
      setFilter({ ranges, test: lineTest(narrow) });
    }, failed);
  }, [only, narrowKey]);

  // matches in what has come since
  useEffect(() => {
    if (!found) return;
    const controller = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async () => {
      const news = await api.search(id, { ...wanted, from: found.total + 1 }, controller.signal);
      const ranges = [...found.ranges, ...news.ranges].slice(0, MAX_RANGES);
      setFound({ ...news, ranges, matched: found.matched + news.matched });
    };
    const stop = model.onChange((events) => {
      if (events.some(({ execution }) => execution === id))
        timer ??= setTimeout(() => void ask().catch(() => undefined), AGAIN_MS);
    });
    return () => {
      clearTimeout(timer);
      controller.abort();
      stop();
    };
  }, [key, found]);

  const rows = useMemo(() => new Rows(found?.ranges), [found]);
  return {
    ...{ text, regex, exact, found, error, filter, index },
    current: rows.at(index)?.line,
    step(by) {
      if (rows.lines > 0) setIndex((index + by + rows.lines) % rows.lines);
    },
  };
}

/** Does the work when nothing is written for a moment; returns what takes it back. */
function later(work: (signal: AbortSignal) => Promise<void>, failed: (thrown: unknown) => void): () => void {
  const controller = new AbortController();
  const timer = setTimeout(() => {
    work(controller.signal).catch((thrown: unknown) => {
      if (!controller.signal.aborted) failed(thrown);
    });
  }, TYPING_MS);
  return () => {
    clearTimeout(timer);
    controller.abort();
  };
}
