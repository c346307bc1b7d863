/** Properties of the tabs on the page of an execution. */
import type { Execution } from '../../src/core/execution.js';

export interface TabProps {
  execution: Execution;
  /** Milliseconds since 1970 by the daemon's clock. */
  now: number;
  /** Opens the log at the start of a step. */
  onStep: (step: string) => void;
  /** The step that the log is to show. */
  step: string | undefined;
  onStepShown: () => void;
}
