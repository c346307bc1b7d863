/** An execution in the list. */
import { estimate } from '../src/core/estimates/estimate.js';
import { parseInstant } from '../src/core/estimates/durations.js';
import type { Execution } from '../src/core/execution.js';
import { isFinal } from '../src/core/execution.js';
import { formatAge, formatBytes, formatDuration, formatOutcome, formatPercent } from '../src/core/text/format.js';
import { typicalDurationOf } from '../src/core/estimates/typical-duration.js';
import { stepTitle, visibleStepsOf } from '../src/core/lists/visible-steps.js';
import { compareQueued } from '../src/core/state/queues.js';
import { staleReason, useModel } from './context.js';
import { ControlButtons } from './controls.js';
import { go, pathOf } from './route.js';
import { Badge, Bar, Icon, timeText, workText } from './status.js';

export function Item({ execution, all, now }: { execution: Execution; all: readonly Execution[]; now: number }) {
  const model = useModel();
  const over = isFinal(execution.status);
  const usualMs = over ? undefined : typicalDurationOf(execution, all)?.ms;
  const path = pathOf(execution.id);
  const open = (event: MouseEvent) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    go(path);
  };
  return (
    <li class={over ? 'item over' : 'item'} data-id={execution.id}>
      <div class="row1">
        {over ? (
          <Icon status={execution.status} />
        ) : (
          <Badge execution={execution} now={now} isStale={staleReason(model) !== undefined} />
        )}
        <a class="name" href={path} onClick={open}>
          {execution.name}
        </a>
        {over ? (
          <span class={`outcome s-${execution.status}`}>{outcomeText(execution)}</span>
        ) : (
          <Share execution={execution} now={now} usualMs={usualMs} />
        )}
      </div>
      <div class="row2">
        <span class="facts">
          {(over ? endedFacts(execution, now) : aliveFacts(execution, all, now, usualMs)).map((fact) => (
            <span key={fact}>{fact}</span>
          ))}
        </span>
        <ControlButtons execution={execution} />
      </div>
    </li>
  );
}

function Share({ execution, now, usualMs }: { execution: Execution; now: number; usualMs: number | undefined }) {
  const { share } = estimate(execution, now);
  return (
    <>
      <Bar execution={execution} now={now} usualMs={usualMs} />
      {share !== undefined && <span class="percent">{formatPercent(share)}</span>}
    </>
  );
}

function aliveFacts(execution: Execution, all: readonly Execution[], now: number, usualMs?: number): string[] {
  const { attention, agent, queue, status, resources } = execution;
  const current = visibleStepsOf(execution).current.at(-1);
  const usage = [
    resources?.cpu === undefined ? '' : `${Math.round(resources.cpu)} % CPU`,
    resources?.rss === undefined ? '' : formatBytes(resources.rss),
  ];
  return [
    status === 'queued' ? queueText(execution, all) : timeText(execution, now),
    usualMs === undefined ? '' : `usually ${formatDuration(usualMs)}`,
    attention?.state === 'waiting' ? (attention.reason ?? 'waits for you') : '',
    workText(execution),
    current
      ? [current.position, stepTitle(current.step)].filter(Boolean).join(' ')
      : (execution.progress?.message ?? ''),
    agent?.name ?? '',
    status !== 'queued' && queue !== undefined ? `queue ${queue}` : '',
    ...usage,
  ].filter((fact) => fact !== '');
}

function queueText(execution: Execution, all: readonly Execution[]): string {
  const { queue = '' } = execution;
  const waiting = all.filter((one) => one.status === 'queued' && (one.queue ?? '') === queue);
  const ahead = waiting.filter((one) => compareQueued(one, execution) < 0).length;
  const where = queue === '' ? 'queue' : `queue ${queue}`;
  return ahead === 0 ? `next in ${where}` : `${ahead} ahead in ${where}`;
}

function outcomeText(execution: Execution): string {
  const { outcome: { exitCode, signal } = {}, status, durationMs } = execution;
  const outcome = formatOutcome(status, durationMs);
  if (signal !== undefined) return `${outcome} · ${signal}`;
  return exitCode === undefined || exitCode === 0 ? outcome : `${outcome} · exit ${exitCode}`;
}

function endedFacts(execution: Execution, now: number): string[] {
  const ended = parseInstant(execution.endedAt);
  const failed = [...execution.steps.values()].find(({ status }) => status === 'failed');
  return [
    ended === undefined ? '' : `${formatAge(now - ended)} ago`,
    workText(execution),
    failed && execution.status === 'failed' ? `at ${stepTitle(failed)}` : '',
    execution.outcome?.error ?? execution.outcome?.summary ?? '',
    execution.agent?.name ?? '',
  ].filter((fact) => fact !== '');
}
