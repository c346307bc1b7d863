/** The tab with the log. */
import { TuiLogPane } from '../log-pane.js';
import type { TabContext } from './tab-context.js';

export function createLogTab(context: TabContext): TuiLogPane {
  return new TuiLogPane({ context, id: context.id, onChange: context.onChange });
}
