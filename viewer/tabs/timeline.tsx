/** The steps over time. */
import { useEffect, useState } from 'preact/hooks';
import { elapsedOf, parseInstant, spanOf as rangeOf } from '../../src/core/estimate.js';
import type { Execution, Step } from '../../src/core/execution.js';
import { isFinal } from '../../src/core/execution.js';
import { formatDuration } from '../../src/core/format.js';
import { stepTitle } from '../../src/core/visible-steps.js';
import type { TimelineReply } from '../api.js';
import { useServices } from '../context.js';
import type { TabProps } from './tab-props.js';
import type { Ahead, TimeSpan } from './timeline-layout.js';
import { createAxis, forecast } from './timeline-layout.js';

export function TimelineTab({ execution, now, onStep }: TabProps) {
  const facts = useTimeline(execution);
  const steps = [...execution.steps.values()];
  const started = steps.filter(({ startedAt }) => startedAt !== undefined);
  const planned = steps.filter(({ startedAt, status }) => startedAt === undefined && !isFinal(status));
  const isOver = isFinal(execution.status);
  const from = parseInstant(execution.startedAt) ?? parseInstant(started[0]?.startedAt) ?? now;
  const to = isOver ? (parseInstant(execution.endedAt) ?? now) : now;
  const spans = started.map((step) => spanOf(step, to, now));
  const usual = new Map(facts.usual?.steps);
  const ahead = forecast([...spans.map(aheadOf), ...planned.map(plannedOf)], usual, now);
  // what is over has no time to come
  const coming = isOver ? [] : [...ahead.values()];
  const begin = Math.min(from, ...spans.map((span) => span.from));
  const end = Math.max(to, ...[...spans, ...coming].map((span) => span.to), begin + 1);
  const busy = [...spans, ...coming];
  const axis = createAxis(busy.length > 0 ? busy : [{ from: begin, to: end }], begin, end);
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
              <span class="who">{span.title}</span>
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
                <Ghost span={ahead.get(span.id)} place={place} />
              </span>
              <Took ms={span.took} usualMs={usual.get(span.name)} status={span.status} />
            </button>
          </li>
        ))}
        {planned.map((step) => (
          <li key={step.id} class="planned">
            <span class="who">{stepTitle(step)}</span>
            <span class="lane">
              <Ghost span={ahead.get(step.id)} place={place} />
            </span>
            <span class="took">
              planned
              <UsualTime ms={usual.get(step.name)} />
            </span>
          </li>
        ))}
      </ol>
      {facts.usual && (
        <p class="note">
          Dashed: what it usually takes, by {facts.usual.runs} former ones; all of it {formatDuration(facts.usual.ms)}.
        </p>
      )}
      {axis.gaps.length > 0 && <p class="note">Hatched: time in which no step ran, folded.</p>}
    </div>
  );
}

interface GhostProps {
  span: Pick<TimeSpan, 'from' | 'to'> | undefined;
  place: (from: number, to: number) => { left: string; width: string };
}

function Ghost({ span, place }: GhostProps) {
  return span ? <span class="ghost" style={place(span.from, span.to)} /> : null;
}

function Took({ ms, usualMs, status }: { ms: number; usualMs: number | undefined; status: string }) {
  return (
    <span class="took">
      {formatDuration(ms)}
      <span class="visually-hidden">, {status}</span>
      <UsualTime ms={usualMs} />
    </span>
  );
}

function UsualTime({ ms }: { ms: number | undefined }) {
  return ms === undefined ? null : <span class="usual">usually {formatDuration(ms)}</span>;
}

function aheadOf({ id, name, parent, from, to, status }: TimeSpan): Ahead {
  return { id, name, parent, from, to: isFinal(status) ? to : undefined };
}

function plannedOf({ id, name, parent, needs = [] }: Step): Ahead {
  return { id, name, parent, needs, from: undefined, to: undefined };
}

function spanOf(step: Step, end: number, now: number): TimeSpan {
  const ran = rangeOf(step, now);
  const from = ran?.from ?? end;
  const to = isFinal(step.status) ? (ran?.to ?? from) : end;
  const took = elapsedOf(step, now) ?? 0;
  const { id, name, parent, status } = step;
  return { id, name, title: stepTitle(step), parent, from, to: Math.max(from, to), status, took };
}

const REFRESH_MS = 5_000;

type TimelineFacts = Pick<TimelineReply, 'steps' | 'pauses' | 'samples' | 'usual'>;

/** Requests what the fold does not keep: pauses, and resource usage over time. Repeated while the execution runs. */
export function useTimeline(execution: Execution): TimelineFacts {
  const { api } = useServices();
  const [reply, setReply] = useState<TimelineFacts>({ steps: [], pauses: [], samples: [] });
  const isOver = isFinal(execution.status);
  useEffect(() => {
    const ask = () => void api.timeline(execution.id).then(setReply, () => undefined);
    ask();
    const timer = isOver ? undefined : setInterval(ask, REFRESH_MS);
    return () => clearInterval(timer);
  }, [execution.id, isOver]);
  return reply;
}
