/** The steps over time. */
import { useEffect, useState } from 'preact/hooks';
import { elapsedOf, parseTime } from '../src/core/estimate.js';
import type { Execution, Step } from '../src/core/execution.js';
import { isFinal } from '../src/core/execution.js';
import { formatDuration } from '../src/core/format.js';
import type { TimelineReply } from './api.js';
import { useServices } from './context.js';
import type { TabProps } from './execution.js';
import type { Span } from './timeline-layout.js';
import { createAxis } from './timeline-layout.js';

export function Timeline({ execution, now, onStep }: TabProps) {
  const facts = useTimeline(execution);
  const steps = [...execution.steps.values()];
  const started = steps.filter(({ startedAt }) => startedAt !== undefined);
  const planned = steps.filter(({ startedAt, status }) => startedAt === undefined && !isFinal(status));
  const from = parseTime(execution.startedAt) ?? parseTime(started[0]?.startedAt) ?? now;
  const to = isFinal(execution.status) ? (parseTime(execution.endedAt) ?? now) : now;
  const spans = started.map((step) => spanOf(step, to, now));
  const begin = Math.min(from, ...spans.map((span) => span.from));
  const end = Math.max(to, ...spans.map((span) => span.to), begin + 1);
  const axis = createAxis(spans.length > 0 ? spans : [{ from: begin, to: end }], begin, end);
  const place = (a: number, b: number) => ({
    left: `${axis.at(a) * 100}%`,
    width: `${Math.max(0, axis.at(b) - axis.at(a)) * 100}%`,
  });
  if (steps.length === 0) return <p class="empty">It has no steps.</p>;
  return (
    <div class="timeline">
      <div class="axis" aria-hidden="true">
        {axis.ticks.map((tick) => (
          <span key={tick.ms} style={{ left: `${tick.at * 100}%` }}>
            {formatDuration(tick.ms)}
          </span>
        ))}
      </div>
      <ol>
        {spans.map((span) => (
          <li key={span.id}>
            <button onClick={() => onStep(span.id)} title="Show in the log">
              <span class="who">{span.name}</span>
              <span class="lane">
                {axis.gaps.map((gap) => (
                  <span
                    key={gap.from}
                    class="gap"
                    style={place(gap.from, gap.to)}
                    title={`${formatDuration(gap.to - gap.from)} without a step`}
                  />
                ))}
                {facts.pauses.map(([pausedAt, resumedAt]) => (
                  <span key={pausedAt} class="paused" style={place(pausedAt, resumedAt ?? end)} />
                ))}
                <span class={`span s-${span.status}`} style={place(span.from, span.to)} />
              </span>
              <span class="took">
                {formatDuration(span.took)}
                <span class="visually-hidden">, {span.status}</span>
              </span>
            </button>
          </li>
        ))}
        {planned.map((step) => (
          <li key={step.id} class="planned">
            <span class="who">{step.name}</span>
            <span class="lane" />
            <span class="took">planned</span>
          </li>
        ))}
      </ol>
      {axis.gaps.length > 0 && <p class="note">Hatched: time in which no step ran, folded.</p>}
    </div>
  );
}

function spanOf(step: Step, end: number, now: number): Span {
  const from = parseTime(step.startedAt) ?? end;
  const to = isFinal(step.status) ? (parseTime(step.endedAt) ?? from + (elapsedOf(step, now) ?? 0)) : end;
  const took = elapsedOf(step, now) ?? 0;
  return { id: step.id, name: step.name, from, to: Math.max(from, to), status: step.status, took };
}

const REFRESH_MS = 5_000;

/** What the fold does not keep: pauses, and what was used over time. Asked for again while it runs. */
export function useTimeline(execution: Execution): TimelineReply {
  const { api } = useServices();
  const [reply, setReply] = useState<TimelineReply>({ steps: [], pauses: [], samples: [] });
  const isOver = isFinal(execution.status);
  useEffect(() => {
    const ask = () => void api.timeline(execution.id).then(setReply, () => undefined);
    ask();
    const timer = isOver ? undefined : setInterval(ask, REFRESH_MS);
    return () => clearInterval(timer);
  }, [execution.id, isOver]);
  return reply;
}
