/** What each tab of the page of an execution is given. */
import type { Execution } from '../../src/core/execution.js';

export interface TabProps {
  execution: Execution;
  now: number;
  /** Shows the log where the step began. */
  onStep: (step: string) => void;
}
