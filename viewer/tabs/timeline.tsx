/** The timeline tab: steps over time, and when the remaining ones are expected to end. */
import { useEffect, useState } from 'preact/hooks';
import { elapsedOf, parseInstant, spanOf as rangeOf } from '../../src/core/estimates/durations.js';
import type { Execution, Step } from '../../src/core/execution.js';
import { isFinal } from '../../src/core/execution.js';
import { formatDuration } from '../../src/core/text/format.js';
import { stepTitle } from '../../src/core/lists/visible-steps.js';
import type { Replies } from '../../src/api/messages.js';
import { useServices } from '../context.js';
import type { TabProps } from './tab-props.js';
import type { Ahead, Axis, TimeSpan } from './timeline-layout.js';
import { createAxis, forecast } from './timeline-layout.js';

type Range = Pick<TimeSpan, 'from' | 'to'>;
type TimelineFacts = Pick<Replies['timeline'], 'steps' | 'pauses' | 'samples' | 'usual'>;

export function TimelineTab({ execution, now, onStep }: TabProps) {
  const facts = useTimeline(execution);
  if (execution.steps.size === 0) return <p class="empty">It has no steps.</p>;
  const timeline = timelineOf(execution, facts, now);
  return (
    <div class="timeline">
      <Ticks axis={timeline.axis} />
      <ol>
        {timeline.spans.map((span) => (
          <SpanRow key={span.id} span={span} timeline={timeline} pauses={facts.pauses} onStep={onStep} />
        ))}
        {timeline.planned.map((step) => (
          <PlannedRow key={step.id} step={step} timeline={timeline} />
        ))}
      </ol>
      {facts.usual && (
        <p class="note">
          Dashed: what it usually takes, by {facts.usual.runs} former ones; all of it {formatDuration(facts.usual.ms)}.
        </p>
      )}
      {timeline.axis.gaps.length > 0 && <p class="note">Hatched: time in which no step ran, folded.</p>}
    </div>
  );
}

interface Timeline {
  axis: Axis;
  /** End of the axis. */
  end: number;
  /** Steps that have started. */
  spans: TimeSpan[];
  planned: Step[];
  /** Typical spans, by the steps' IDs. */
  ahead: ReadonlyMap<string, Range>;
  /** Typical durations in milliseconds, by the steps' names. */
  usual: ReadonlyMap<string, number>;
}

function timelineOf(execution: Execution, facts: TimelineFacts, now: number): Timeline {
  const steps = [...execution.steps.values()];
  const started = steps.filter(({ startedAt }) => startedAt !== undefined);
  const planned = steps.filter(({ startedAt, status }) => startedAt === undefined && !isFinal(status));
  const isOver = isFinal(execution.status);
  const from = parseInstant(execution.startedAt) ?? parseInstant(started[0]?.startedAt) ?? now;
  const to = isOver ? (parseInstant(execution.endedAt) ?? now) : now;
  const spans = started.map((step) => spanOf(step, to, now));
  const usual = new Map(facts.usual?.steps);
  const ahead = forecast([...spans.map(aheadOf), ...planned.map(plannedOf)], usual, now);
  // the axis includes the forecast only while the execution runs
  const shown = [...spans, ...(isOver ? [] : ahead.values())];
  const begin = Math.min(from, ...spans.map((span) => span.from));
  const end = Math.max(to, ...shown.map((span) => span.to), begin + 1);
  const axis = createAxis(shown.length > 0 ? shown : [{ from: begin, to: end }], begin, end);
  return { axis, end, spans, planned, ahead, usual };
}

function Ticks({ axis }: { axis: Axis }) {
  return (
    <div class="axis" aria-hidden="true">
      {axis.ticks.map((tick) => (
        <span key={tick.ms} style={{ left: `${tick.at * 100}%` }}>
          {formatDuration(tick.ms)}
        </span>
      ))}
    </div>
  );
}

interface SpanRowProps {
  span: TimeSpan;
  timeline: Timeline;
  pauses: TimelineFacts['pauses'];
  onStep: (step: string) => void;
}

function SpanRow({ span, timeline: { axis, end, ahead, usual }, pauses, onStep }: SpanRowProps) {
  return (
    <li>
      <button onClick={() => onStep(span.id)} title="Show in the log">
        <span class="who">{span.title}</span>
        <span class="lane">
          {axis.gaps.map((gap) => (
            <span
              key={gap.from}
              class="gap"
              style={placeOf(axis, gap)}
              title={`${formatDuration(gap.to - gap.from)} without a step`}
            />
          ))}
          {pauses.map(([from, to]) => (
            <span key={from} class="paused" style={placeOf(axis, { from, to: to ?? end })} />
          ))}
          <span class={`span s-${span.status}`} style={placeOf(axis, span)} />
          <Ghost axis={axis} span={ahead.get(span.id)} />
        </span>
        <span class="took">
          {formatDuration(span.took)}
          <span class="visually-hidden">, {span.status}</span>
          <UsualTime ms={usual.get(span.name)} />
        </span>
      </button>
    </li>
  );
}

function PlannedRow({ step, timeline: { axis, ahead, usual } }: { step: Step; timeline: Timeline }) {
  return (
    <li class="planned">
      <span class="who">{stepTitle(step)}</span>
      <span class="lane">
        <Ghost axis={axis} span={ahead.get(step.id)} />
      </span>
      <span class="took">
        planned
        <UsualTime ms={usual.get(step.name)} />
      </span>
    </li>
  );
}

/** The typical span of a step. */
function Ghost({ axis, span }: { axis: Axis; span: Range | undefined }) {
  return span ? <span class="ghost" style={placeOf(axis, span)} /> : null;
}

function UsualTime({ ms }: { ms: number | undefined }) {
  return ms === undefined ? null : <span class="usual">usually {formatDuration(ms)}</span>;
}

function placeOf(axis: Axis, { from, to }: Range): { left: string; width: string } {
  const [left, right] = [axis.at(from), axis.at(to)];
  return { left: `${left * 100}%`, width: `${Math.max(0, right - left) * 100}%` };
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

/** Requests what the fold does not keep: pauses, and resource usage over time. Repeated while the execution runs. */
export function useTimeline(execution: Execution): TimelineFacts {
  const { api } = useServices();
  const [reply, setReply] = useState<TimelineFacts>({ steps: [], pauses: [], samples: [] });
  const isOver = isFinal(execution.status);
  useEffect(() => {
    const request = () => void api.timeline(execution.id).then(setReply, () => undefined);
    request();
    const timer = isOver ? undefined : setInterval(request, REFRESH_MS);
    return () => clearInterval(timer);
  }, [execution.id, isOver]);
  return reply;
}
