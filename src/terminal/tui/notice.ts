/** Notices of what has ended or needs a person. Pure. */
import type { ExecutionEvent } from '../../core/events/event.js';
import { EXECUTION_ENDS, textOf } from '../../core/events/event.js';
import { elapsedOf } from '../../core/estimates/durations.js';
import type { Execution } from '../../core/execution.js';
import { isFailure, isFinal } from '../../core/execution.js';
import { formatDuration } from '../../core/text/format.js';
import { exitText } from '../detail.js';
import { isBell } from '../plain.js';

export interface NoticeContext {
  find: (id: string) => Execution | undefined;
  /** ID of the execution that the user looks at. */
  shown: string | undefined;
  /** Unix milliseconds. */
  now: number;
}

interface Notice {
  text: string;
  isError: boolean;
  rings: boolean;
}

/** A shell command that ends sooner is no news: the user has just typed it. */
const SHORT_COMMAND_MS = 10_000;
/** An event that is older is no news: it was read from a backlog. */
const NEWS_MS = 10_000;

/** @returns the notice of the most urgent event and the number of the others; undefined if none is news */
export function noticeOf(events: readonly ExecutionEvent[], context: NoticeContext): Notice | undefined {
  const notices = events.flatMap((event) => noticeOfEvent(event, context) ?? []);
  const [first] = notices.toSorted((a, b) => Number(b.isError) - Number(a.isError));
  if (!first) return undefined;
  const others = notices.length === 1 ? '' : ` (and ${notices.length - 1} more)`;
  return { text: first.text + others, isError: first.isError, rings: notices.some(({ rings }) => rings) };
}

function noticeOfEvent(event: ExecutionEvent, { find, shown, now }: NoticeContext): Notice | undefined {
  const { type, data, execution: id } = event;
  if (isBell(event, now))
    return { text: textOf(data, 'title') ?? 'An alert was triggered', isError: false, rings: true };
  if (id === undefined || id === shown || now - Date.parse(event.time) > NEWS_MS) return undefined;
  const execution = find(id);
  // a part of another execution ends with it
  if (!execution || execution.parent !== undefined) return undefined;
  if (type === 'attention') {
    if (data['state'] !== 'waiting') return undefined;
    const reason = textOf(data, 'reason');
    return {
      text: `${execution.name} needs you${reason === undefined ? '' : `: ${reason}`}`,
      isError: true,
      rings: true,
    };
  }
  return Object.hasOwn(EXECUTION_ENDS, type) ? endNotice(execution, now) : undefined;
}

function endNotice(execution: Execution, now: number): Notice | undefined {
  const { kind, name, status } = execution;
  const elapsed = elapsedOf(execution, now);
  if (!isFinal(status) || (kind === 'command' && (elapsed ?? 0) < SHORT_COMMAND_MS)) return undefined;
  const took = elapsed === undefined ? '' : ` after ${formatDuration(elapsed)}`;
  return { text: `${name} ${status}${took}${exitText(execution)}`, isError: isFailure(status), rings: true };
}
