/** The list of executions: open ones first, then those that ended. */
import type { RefObject } from 'preact';
import { useRef } from 'preact/hooks';
import { parseInstant } from '../src/core/estimates/durations.js';
import type { Execution } from '../src/core/execution.js';
import { isFailure, isFinal } from '../src/core/execution.js';
import { formatQuantity } from '../src/core/text/format.js';
import { mentions } from '../src/core/lists/lookup.js';
import { useModel } from './context.js';
import { CONTROL_KEYS } from './controls.js';
import { Choice, SearchField, Tick } from './fields.js';
import { useKeys } from './keys.js';
import { Item } from './list-item.js';
import { setQuery, useRoute } from './route.js';

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

/** Moves the focus to another execution; to the first if none has it. */
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

/** Sorts by urgency: what needs a person, what runs, what is paused, what waits; then the newest first. */
function sortAlive(executions: readonly Execution[]): Execution[] {
  const rank = ({ attention, status }: Execution) =>
    attention?.state === 'waiting' ? 0 : status === 'running' ? 1 : status === 'paused' ? 2 : 3;
  return [...executions].sort((a, b) => rank(a) - rank(b) || b.firstSeq - a.firstSeq);
}

function groupByAgent(executions: readonly Execution[]): [string, Execution[]][] {
  const groups = new Map<string, Execution[]>();
  for (const execution of executions) {
    const agent = execution.agent?.name ?? 'No agent';
    groups.set(agent, [...(groups.get(agent) ?? []), execution]);
  }
  return [...groups].sort(([a], [b]) => (a === 'No agent' ? 1 : b === 'No agent' ? -1 : a < b ? -1 : 1));
}

/** Formats the number of executions by status: `4 running · 1 queued`. */
function countText(executions: readonly Execution[]): string {
  const counts = new Map<string, number>();
  for (const { status, attention } of executions) {
    const word = status === 'running' && attention?.state === 'waiting' ? 'waiting for you' : status;
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  if (counts.size === 0) return formatQuantity(0, 'execution');
  return [...counts].map(([word, count]) => `${count} ${word}`).join(' · ');
}
