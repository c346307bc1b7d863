/** Which end of which execution deserves a notification, and what that says. Pure: a rule knows an event and its fold. */
import type { ExecutionEvent } from '../core/event.js';
import { EXECUTION_ENDS } from '../core/event.js';
import type { Execution, Status, Step } from '../core/execution.js';
import { formatDuration, statusIcon } from '../core/format.js';
import { toLine } from './line.js';

export interface Alert {
  /** What raised it: `failed`, or `long_command` for one typed at a prompt. */
  rule: 'failed' | 'long_command';
  /** One line each, without control characters. */
  title: string;
  body: string;
  urgency: 'low' | 'normal';
}

/** Whoever typed a command that ended sooner is still looking at it. */
const LONG_COMMAND_MS = 30_000;
/** Programs that somebody sits in front of until they end: there is no need to say that they have. */
const ATTENDED = new Set(
  (
    'vi vim nvim view nano emacs micro hx ed less more most man info ssh mosh telnet ftp sftp tmux screen top htop ' +
    'btop watch tail journalctl bash zsh fish sh dash su sudo login python python3 ipython node irb psql mysql sqlite3 ' +
    'redis-cli gdb lldb fzf ranger mc lazygit tig claude codex gemini'
  ).split(' '),
);
/** What ended longer ago comes from a backlog, and is no news any more. */
const NEWS_MS = 5 * 60_000;
/** What a desktop shows of a notification without cutting it itself. */
const TITLE_CHARS = 80;
const BODY_CHARS = 240;

/** How the title ends, for the outcomes that are told at all: whoever cancels something knows of it. */
const OUTCOMES: Readonly<Partial<Record<Status, string>>> = {
  completed: 'completed',
  failed: 'failed',
  timeout: 'timed out',
  lost: 'was lost',
};

/** What this event, already folded into `execution`, is to be told about; at most once for each execution. */
export function judge(event: ExecutionEvent, execution: Execution, now: number): Alert | undefined {
  const { status } = execution;
  if (execution.alerted || !isItsEnd(event, execution) || now - Date.parse(event.time) > NEWS_MS) return undefined;
  const outcome = OUTCOMES[status];
  const rule = ruleFor(execution);
  if (outcome === undefined || rule === undefined) return undefined;
  const icon = statusIcon(status, false);
  const room = TITLE_CHARS - icon.length - outcome.length - 2;
  return {
    rule,
    title: `${icon} ${toLine(execution.name, room)} ${outcome}`,
    body: toLine(describe(execution), BODY_CHARS),
    urgency: status === 'completed' ? 'low' : 'normal',
  };
}

/** An execution may be told to have ended several times; what came first has given it its time. */
function isItsEnd({ type, time }: ExecutionEvent, { status, endedAt }: Execution): boolean {
  return Object.hasOwn(EXECUTION_ENDS, type) && EXECUTION_ENDS[type] === status && time === endedAt;
}

function ruleFor(execution: Execution): Alert['rule'] | undefined {
  const { kind, status, durationMs = 0, implicit, parent } = execution;
  if (kind === 'command') {
    const isMissed = durationMs > LONG_COMMAND_MS && (status === 'failed' || !isAttended(execution));
    return isMissed ? 'long_command' : undefined;
  }
  // what stands in another execution is for that one to tell; events that nobody began are lost to nobody
  const isUnnoticed = parent !== undefined || (status === 'lost' && implicit);
  return status === 'completed' || isUnnoticed ? undefined : 'failed';
}

/** By the first word of the line. */
function isAttended({ name }: Execution): boolean {
  const [word = ''] = name.trimStart().split(/\s/, 1);
  return ATTENDED.has(word.slice(word.lastIndexOf('/') + 1));
}

/** `exit 1 after 2:03 · Dump the database: no connection · in backup` */
function describe(execution: Execution): string {
  const { id, status, exitCode, signal, durationMs, error, cwd } = execution;
  const how = signal ?? (exitCode === undefined || status === 'completed' ? undefined : `exit ${exitCode}`);
  const after = durationMs === undefined ? undefined : `after ${formatDuration(durationMs)}`;
  const step = failedStep(execution);
  const where = cwd?.split('/').findLast((part) => part !== '');
  const parts = [
    [how, after].filter((part) => part !== undefined).join(' '),
    [step?.name, step?.error ?? error].filter((part) => part !== undefined).join(': '),
    where === undefined ? '' : `in ${where}`,
  ].filter((part) => part !== '');
  return parts.length === 0 ? `progress show ${id}` : parts.join(' · ');
}

/** Of steps that lie in one another the innermost, and of several attempts the newest. */
function failedStep({ steps }: Execution): Step | undefined {
  return [...steps.values()].findLast(({ status }) => status === 'failed' || status === 'timeout');
}
