/** Keys of the log tab. */
import type { Key } from '../keys.js';
import { setQuery } from '../route.js';
import type { FindState } from './find.js';
import type { LogView } from './log-view.js';

export interface LogKeyOptions {
  view: () => LogView | undefined;
  find: FindState;
  query: URLSearchParams;
  /** @returns False if the browser is to handle the key. */
  focusFind: () => unknown;
  download: () => void;
}

const PAGE_ROWS = 20;

export function logKeys({ view, find, query, focusFind, download }: LogKeyOptions): Key[] {
  const toggle = (field: string) => setQuery({ [field]: query.get(field) === '1' ? '' : '1' });
  const step = (by: number) => find.text !== '' && find.step(by);
  const scroll = (rows: number) => view()?.scrollBy(rows);
  return [
    { names: ['Ctrl-f'], what: 'Find; again: the browser’s own', always: true, run: focusFind },
    { names: ['/'], what: 'Find', run: focusFind },
    { names: ['n'], what: 'Next match', run: () => step(1) },
    { names: ['N'], what: 'Match before', run: () => step(-1) },
    { names: ['Enter', 'Shift-Enter'], what: 'The same, while one writes' },
    { names: ['Alt-r'], what: 'Regular expression or text', always: true, run: () => toggle('re') },
    { names: ['Alt-c'], what: 'Upper and lower case differ', always: true, run: () => toggle('case') },
    { names: ['m'], what: 'Only matches', run: () => toggle('only') },
    { names: ['j', 'ArrowDown'], what: 'A line down', run: () => scroll(1) },
    { names: ['k', 'ArrowUp'], what: 'A line up', run: () => scroll(-1) },
    { names: ['PageDown'], what: 'A page down', run: () => scroll(PAGE_ROWS) },
    { names: ['PageUp'], what: 'A page up', run: () => scroll(-PAGE_ROWS) },
    { names: ['g', 'Home'], what: 'To the beginning', run: () => scroll(-Infinity) },
    { names: ['G', 'End'], what: 'To the end, and follow it', run: () => view()?.follow() },
    { names: ['Ctrl-a'], what: 'Select the whole log', run: () => view()?.selectAll() },
    { names: ['Ctrl-c'], what: 'Copy what is selected, or marked' },
    { names: ['w'], what: 'Wrap long lines', run: () => toggle('wrap') },
    { names: ['t'], what: 'Times', run: () => setQuery({ times: query.get('times') === '0' ? '' : '0' }) },
    { names: ['d'], what: 'Download', run: download },
  ];
}
