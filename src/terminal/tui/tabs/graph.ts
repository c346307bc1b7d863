/** The tab with the steps and what they need, as layers from left to right. */
import { graphLines } from '../../graph.js';
import { ScrollingPage } from './scrolling.js';
import type { TabContext } from './tab-context.js';

export function createGraphTab({ source, id }: TabContext): ScrollingPage {
  return new ScrollingPage(({ columns }, style) => {
    const execution = source.find(id);
    return execution ? graphLines(execution, columns, style) : [];
  });
}
