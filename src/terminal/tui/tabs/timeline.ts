/** The tab with the steps as bars over time. */
import { stepLines } from '../../tree.js';
import { ScrollingPage } from './scrolling.js';
import type { TabContext } from './tab-context.js';

export function createTimelineTab({ source, id }: TabContext): ScrollingPage {
  return new ScrollingPage(({ columns }, style) => {
    const execution = source.find(id);
    if (!execution) return [];
    const timelineCells = Math.max(10, Math.floor(columns / 2));
    return stepLines(execution, { now: source.now(), columns, style, timelineCells });
  });
}
