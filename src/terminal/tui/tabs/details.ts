/** The tab with everything else that is known of an execution. */
import { showLines } from '../../show.js';
import { ScrollingPage } from './scrolling.js';
import type { TabContext } from './tab-context.js';

export function createDetailsTab({ source, id }: TabContext): ScrollingPage {
  return new ScrollingPage(({ columns }, style) => {
    const execution = source.find(id);
    return execution ? showLines(execution, { now: source.now(), columns, style }) : [];
  });
}
