/** Text of an alert: a title and a body of one line each, from texts of the producer. */
import type { ExecutionEvent } from '../core/events/event.js';
import { EXECUTION_ENDS, textOf } from '../core/events/event.js';
import type { Severity } from '../core/state/alerts.js';
import type { Execution, Status, Step } from '../core/execution.js';
import { isFailure, isObservedFailure } from '../core/execution.js';
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatQuantity,
  formatUsd,
  statusIcon,
} from '../core/text/format.js';
import type { Urgency } from './channel.js';
import { toSingleLine } from './single-line.js';
import type { MatchSubject } from './matcher.js';
import { levelOf, stepNameOf } from './matcher.js';
import type { Rule } from './rules.js';

export interface AlertText {
  title: string;
  body: string;
  urgency: Urgency;
  severity: Severity;
}

/** Bounds within which a desktop shows a notification completely. */
const TITLE_CHARS = 80;
export const BODY_CHARS = 240;

/** Ends of titles by status. */
const OUTCOMES: Readonly<Partial<Record<Status, string>>> = {
  completed: 'completed',
  failed: 'failed',
  timeout: 'timed out',
  cancelled: 'was cancelled',
  lost: 'was lost',
};

/** Urgency of a severity. */
export const URGENCY_OF: Readonly<Record<Severity, Urgency>> = {
  info: 'low',
  warning: 'normal',
  error: 'normal',
  critical: 'critical',
};

/** @param line - the line of output that matched */
export function alertText(rule: Rule, subject: MatchSubject, line?: string): AlertText {
  const severity = rule.severity ?? severityOf(rule, subject);
  return { ...describe(rule, subject, line), urgency: URGENCY_OF[severity], severity };
}

/** Default severity. */
function severityOf(rule: Rule, { event, execution }: MatchSubject): Severity {
  const ended = EXECUTION_ENDS[event.type];
  if (rule.during === undefined && ended !== undefined && execution)
    return isFailure(execution.status) ? 'error' : 'info';
  if (event.type === 'step_failed' || event.type === 'step_timeout') return 'error';
  if (event.type !== 'log' || rule.when.level === undefined) return 'warning';
  const level = levelOf(event);
  return level === 'debug' ? 'info' : level;
}

/** Title and body, one line each. */
type Described = Pick<AlertText, 'title' | 'body'>;

function describe(rule: Rule, { event, execution, tokenRate, recovered }: MatchSubject, line?: string): Described {
  if (!execution) return textOfAlert('!', event.type, '', textOf(event.data, 'message') ?? JSON.stringify(event.data));
  const { name, status, resources = {} } = execution;
  const attention = execution.attention?.state;
  const icon = statusIcon(status, false, attention);
  if (rule.during !== undefined) {
    return textOfAlert(icon, name, `still runs after ${formatDuration(rule.during)}`, placeOf(execution));
  }
  if (Object.hasOwn(EXECUTION_ENDS, event.type)) {
    const after = rule.when.status?.includes('recovered') === true ? recovered : undefined;
    const outcome = after !== undefined ? 'recovered' : (OUTCOMES[status] ?? status);
    return textOfAlert(icon, name, outcome, describeEnd(execution, after));
  }
  switch (event.type) {
    case 'attention': {
      const reason = textOf(event.data, 'reason') ?? placeOf(execution);
      return textOfAlert(icon, name, attention === 'waiting' ? 'needs you' : 'is silent', reason);
    }
    case 'resource_update': {
      const { cpu, rss } = resources;
      const used = [cpu === undefined ? '' : `${cpu} % of a core`, rss === undefined ? '' : formatBytes(rss)];
      const body = `for ${formatDuration(rule.when.resource?.for ?? 0)} · ${placeOf(execution)}`;
      return textOfAlert(icon, name, `uses ${used.filter((part) => part !== '').join(', ')}`, body);
    }
    case 'activity': {
      const { costUsd, tokensPerMinute } = rule.when;
      if (costUsd !== undefined) {
        return textOfAlert(icon, name, `has cost ${formatUsd(execution.usage?.costUsd ?? 0)}`, placeOf(execution));
      }
      if (!tokensPerMinute) return describeOther(icon, execution, event);
      const rate = formatCount(Math.round(tokenRate?.(tokensPerMinute.window) ?? 0));
      const body = `over ${formatDuration(tokensPerMinute.window)} · ${placeOf(execution)}`;
      return textOfAlert(icon, name, `uses ${rate} tokens a minute`, body);
    }
    case 'output':
    case 'log':
      if (rule.when.output === undefined && rule.when.level !== undefined) {
        const what = {
          debug: 'logged a message',
          info: 'logged a message',
          warning: 'warns',
          error: 'logged an error',
        };
        return textOfAlert(icon, name, what[levelOf(event)], textOf(event.data, 'message') ?? placeOf(execution));
      }
      return textOfAlert(icon, name, `printed what ${rule.name} looks for`, line ?? placeOf(execution));
    default:
      return describeOther(icon, execution, event);
  }
}

function describeOther(icon: string, execution: Execution, event: ExecutionEvent): Described {
  const step = stepNameOf(execution, event);
  if (event.type === 'step_failed' || event.type === 'step_timeout') {
    const isFailure = event.type === 'step_failed';
    const where = toSingleLine(step?.name ?? event.step ?? '', TITLE_CHARS / 2);
    const outcome = `${isFailure ? 'failed' : 'timed out'} in step ${where}`;
    return textOfAlert(
      statusIcon(isFailure ? 'failed' : 'timeout', false),
      execution.name,
      outcome,
      step?.error ?? placeOf(execution),
    );
  }
  return textOfAlert(icon, execution.name, event.type, textOf(event.data, 'message') ?? placeOf(execution));
}

/** Adds the names of several rules to the end of the body. */
export function withRules({ body, ...rest }: AlertText, rules: readonly string[]): AlertText {
  const end = ` · rules ${toSingleLine(rules.join(', '), BODY_CHARS / 2)}`;
  return { ...rest, body: toSingleLine(body, BODY_CHARS - end.length) + end };
}

/** Formats title and body; the name is shortened to fit the title. */
function textOfAlert(icon: string, name: string, what: string, body: string): Described {
  const end = what === '' ? '' : ` ${toSingleLine(what, TITLE_CHARS - 10)}`;
  const title = `${icon} ${toSingleLine(name, TITLE_CHARS - icon.length - end.length - 1)}${end}`;
  return { title, body: toSingleLine(body, BODY_CHARS) };
}

/** `exit 1 after 2:03 · Dump the database: no connection · in backup` */
function describeEnd(execution: Execution, recovered: number | undefined): string {
  const { status, outcome: { exitCode, signal, error } = {}, durationMs, process: { cwd } = {} } = execution;
  const how = signal ?? (exitCode === undefined || status === 'completed' ? undefined : `exit ${exitCode}`);
  const after = durationMs === undefined ? undefined : `after ${formatDuration(durationMs)}`;
  const step = failedStep(execution);
  const parts = [
    recovered === undefined ? '' : `after ${formatQuantity(recovered, 'failure')}`,
    [how, after].filter((part) => part !== undefined).join(' '),
    [step?.name, step?.error ?? error].filter((part) => part !== undefined).join(': '),
    directoryOf(cwd),
  ].filter((part) => part !== '');
  return parts.length === 0 ? `progress show ${execution.id}` : parts.join(' · ');
}

/** Place of the execution as a fallback, since some desktops do not show a notification without a body. */
function placeOf({ id, process: { cwd } = {} }: Execution): string {
  return directoryOf(cwd) || `progress show ${id}`;
}

function directoryOf(cwd: string | undefined): string {
  const where = cwd?.split('/').findLast((part) => part !== '');
  return where === undefined ? '' : `in ${where}`;
}

/** Finds the failed step: of nested steps the innermost, of several attempts the newest. */
function failedStep({ steps }: Execution): Step | undefined {
  return [...steps.values()].findLast(({ status }) => isObservedFailure(status));
}
