/** What a tab can use. */
import type { ActionContext } from '../actions.js';

export interface TabContext extends ActionContext {
  id: string;
  onChange: () => void;
  /** Shows the log, from a line on or of one step. */
  showLog: (target: { line?: number; step?: string }) => void;
}
