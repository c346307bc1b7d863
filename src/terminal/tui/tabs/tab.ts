/** Registry of the tabs of an execution: each is one file and one entry here. */
import type { Execution } from '../../../core/execution.js';
import type { Page } from '../page.js';
import { createDetailsTab } from './details.js';
import { createGraphTab } from './graph.js';
import { createLogTab } from './log.js';
import { createResourcesTab } from './resources.js';
import { createStepsTab } from './steps.js';
import { createTimelineTab } from './timeline.js';
import type { TabContext } from './tab-context.js';
import { createTranscriptTab } from './transcript.js';

export interface TuiTab {
  title: string;
  /** Whether the tab has something to show. */
  isFor(execution: Execution): boolean;
  create(context: TabContext): Page;
}

const isAgent = ({ kind }: Execution) => kind === 'agent';
const hasSteps = ({ steps }: Execution) => steps.size > 0;
const hasNeeds = ({ steps }: Execution) => [...steps.values()].some(({ needs = [] }) => needs.length > 0);

export const TUI_TABS = {
  transcript: { title: 'Transcript', isFor: isAgent, create: createTranscriptTab },
  log: { title: 'Log', isFor: () => true, create: createLogTab },
  steps: { title: 'Steps', isFor: hasSteps, create: createStepsTab },
  timeline: { title: 'Timeline', isFor: hasSteps, create: createTimelineTab },
  graph: { title: 'Graph', isFor: hasNeeds, create: createGraphTab },
  resources: { title: 'Resources', isFor: ({ resources }) => resources !== undefined, create: createResourcesTab },
  details: { title: 'Details', isFor: () => true, create: createDetailsTab },
} satisfies Record<string, TuiTab>;

export type TabName = keyof typeof TUI_TABS;
