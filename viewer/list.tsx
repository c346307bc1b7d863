/** The list: what runs, what waits, what has ended. */
import type { RefObject } from 'preact';
import { useRef } from 'preact/hooks';
import { estimate, parseInstant } from '../src/core/estimate.js';
import type { Execution } from '../src/core/execution.js';
import { isFailure, isFinal } from '../src/core/execution.js';
import {
  formatAge,
  formatBytes,
  formatDuration,
  formatOutcome,
  formatPercent,
  formatQuantity,
} from '../src/core/format.js';
import { mentions } from '../src/core/lookup.js';
import { visibleStepsOf, stepTitle } from '../src/core/visible-steps.js';
import { typicalDurationOf } from '../src/core/typical-duration.js';
import { CONTROL_KEYS, ControlButtons } from './controls.js';
import { staleReason, useModel } from './context.js';
import { Choice, SearchField, Tick } from './fields.js';
import { useKeys } from './keys.js';
import { Badge, Bar, Icon, timeText, workText } from './status.js';
import { go, pathOf, setQuery, useRoute } from './route.js';

const FILTERS: readonly (readonly [value: string, label: string])[] = [
  ['', 'Any status'],
  ['alive', 'Running and waiting'],
  ['attention', 'Needs attention'],
  ['completed', 'Completed'],
  ['failed', 'Failed'],
  ['cancelled', 'Cancelled'],
];
const AGES: readonly (readonly [value: string, label: string])[] = [
  ['', 'Any time'],
  ['1h', 'Last hour'],
  ['24h', 'Last day'],
  ['7d', 'Last week'],
];
const AGE_MS: Readonly<Record<string, number>> = { '1h': 3_600_000, '24h': 86_400_000, '7d': 604_800_000 };

export function List() {
  const model = useModel();
  const { query } = useRoute();
  const now = model.now();
  const text = query.get('q') ?? '';
  const status = query.get('status') ?? '';
  const since = query.get('since') ?? '';
  const grouped = query.get('group') === 'agent';
  const all = model.executions();
  const shown = all.filter((one) => mentions(one, text) && hasStatus(one, status) && isSince(one, since, now));
  const alive = sortAlive(shown.filter((one) => !isFinal(one.status)));
  const ended = shown.filter((one) => isFinal(one.status));
  const search = useRef<HTMLInputElement>(null);
  useKeys(1, 'The list', [
    { names: ['/'], what: 'Search', run: () => search.current?.focus() },
    { names: ['j', 'ArrowDown'], what: 'The next one', run: () => moveFocus(1) },
    { names: ['k', 'ArrowUp'], what: 'The one before', run: () => moveFocus(-1) },
    { names: ['Enter'], what: 'Open it' },
    { names: ['a'], what: 'By agent', run: () => setQuery({ group: grouped ? '' : 'agent' }) },
    { names: ['o'], what: 'Older ones', run: () => model.hasMore && model.loadMore() },
  ]);
  useKeys(2, 'The one that has the focus', CONTROL_KEYS);
  const groups = grouped ? groupByAgent([...alive, ...ended]) : [];
  return (
    <main>
      <h1 class="visually-hidden">Executions</h1>
      <Filters field={search} text={text} status={status} since={since} grouped={grouped} />
      {model.isLoaded && all.length === 0 && <Empty />}
      {all.length > 0 && shown.length === 0 && <p class="empty">Nothing here passes these filters.</p>}
      {grouped ? (
        groups.map(([agent, executions]) => (
          <Section
            key={agent}
            title={`${agent} · ${countText(executions)}`}
            executions={executions}
            all={all}
            now={now}
          />
        ))
      ) : (
        <>
          <Section title={countText(alive)} executions={alive} all={all} now={now} />
          {ended.length > 0 && <Section title="Ended" executions={ended} all={all} now={now} />}
        </>
      )}
      {model.hasMore && (
        <button class="load-more" onClick={() => void model.loadMore()}>
          Older ones
        </button>
      )}
    </main>
  );
}

interface FilterProps {
  field: RefObject<HTMLInputElement | null>;
  text: string;
  status: string;
  since: string;
  grouped: boolean;
}

function Filters(props: FilterProps) {
  return (
    <form class="filters" role="search" onSubmit={(event) => event.preventDefault()}>
      <SearchField
        field={props.field}
        label="Search by name, id, agent or label"
        placeholder="Search name, id, agent, label  ( / )"
        value={props.text}
        onInput={(text) => setQuery({ q: text })}
      />
      <Choice label="Status" options={FILTERS} value={props.status} onChange={(value) => setQuery({ status: value })} />
      <Choice label="Since" options={AGES} value={props.since} onChange={(value) => setQuery({ since: value })} />
      <Tick label="By agent" isOn={props.grouped} onChange={(isOn) => setQuery({ group: isOn ? 'agent' : '' })} />
    </form>
  );
}

function Empty() {
  return (
    <div class="empty">
      <p>Nothing has run yet. Start something:</p>
      <pre>progress run -- make</pre>
    </div>
  );
}

/** From one name to another; the first one when none has the focus. */
function moveFocus(by: number): void {
  const names = [...document.querySelectorAll<HTMLElement>('.item .name')];
  const at = names.findIndex((name) => name.closest('.item')?.contains(document.activeElement));
  const next = at === -1 ? 0 : Math.min(Math.max(0, at + by), names.length - 1);
  names[next]?.focus();
}

interface SectionProps {
  title: string;
  executions: readonly Execution[];
  all: readonly Execution[];
  now: number;
}

function Section({ title, executions, all, now }: SectionProps) {
  if (executions.length === 0) return null;
  return (
    <section aria-label={title}>
      <h2>{title}</h2>
      <ul class="list">
        {executions.map((execution) => (
          <Item key={execution.id} execution={execution} all={all} now={now} />
        ))}
      </ul>
    </section>
  );
}

function Item({ execution, all, now }: { execution: Execution; all: readonly Execution[]; now: number }) {
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
  const { attention, attentionReason, agent, queue, status, resources } = execution;
  const current = visibleStepsOf(execution).current.at(-1);
  const usage = [
    resources?.cpu === undefined ? '' : `${Math.round(resources.cpu)} % CPU`,
    resources?.rss === undefined ? '' : formatBytes(resources.rss),
  ];
  return [
    status === 'queued' ? queueText(execution, all) : timeText(execution, now),
    usualMs === undefined ? '' : `usually ${formatDuration(usualMs)}`,
    attention === 'waiting' ? (attentionReason ?? 'waits for you') : '',
    workText(execution),
    current
      ? [current.position, stepTitle(current.step)].filter(Boolean).join(' ')
      : (execution.progress?.message ?? ''),
    agent ?? '',
    status !== 'queued' && queue !== undefined ? `queue ${queue}` : '',
    ...usage,
  ].filter((fact) => fact !== '');
}

function queueText({ queue = '', firstSeq }: Execution, all: readonly Execution[]): string {
  const ahead = all.filter((one) => one.status === 'queued' && one.queue === queue && one.firstSeq < firstSeq).length;
  const where = queue === '' ? 'queue' : `queue ${queue}`;
  return ahead === 0 ? `next in ${where}` : `${ahead} ahead in ${where}`;
}

function outcomeText(execution: Execution): string {
  const { exitCode, signal, status, durationMs } = execution;
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
    execution.error ?? execution.summary ?? '',
    execution.agent ?? '',
  ].filter((fact) => fact !== '');
}

function hasStatus({ status, attention }: Execution, wanted: string): boolean {
  if (wanted === '') return true;
  if (wanted === 'alive') return !isFinal(status);
  if (wanted === 'attention') return attention !== undefined;
  if (wanted === 'failed') return isFailure(status);
  return status === wanted;
}

function isSince({ startedAt, queuedAt }: Execution, age: string, now: number): boolean {
  const ms = AGE_MS[age];
  return ms === undefined || (parseInstant(startedAt ?? queuedAt) ?? 0) >= now - ms;
}

/** What needs somebody first, then what runs, then what waits; within these the newest first. */
function sortAlive(executions: readonly Execution[]): Execution[] {
  const rank = ({ attention, status }: Execution) =>
    attention === 'waiting' ? 0 : status === 'running' ? 1 : status === 'paused' ? 2 : 3;
  return [...executions].sort((a, b) => rank(a) - rank(b) || b.firstSeq - a.firstSeq);
}

function groupByAgent(executions: readonly Execution[]): [string, Execution[]][] {
  const groups = new Map<string, Execution[]>();
  for (const execution of executions) {
    const agent = execution.agent ?? 'No agent';
    groups.set(agent, [...(groups.get(agent) ?? []), execution]);
  }
  return [...groups].sort(([a], [b]) => (a === 'No agent' ? 1 : b === 'No agent' ? -1 : a < b ? -1 : 1));
}

/** `4 running · 1 queued`. */
function countText(executions: readonly Execution[]): string {
  const counts = new Map<string, number>();
  for (const { status, attention } of executions) {
    const word = status === 'running' && attention === 'waiting' ? 'waiting for you' : status;
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  if (counts.size === 0) return formatQuantity(0, 'execution');
  return [...counts].map(([word, count]) => `${count} ${word}`).join(' · ');
}
