/** The page of one execution: header, steps and tabs. */
import { useEffect, useState } from 'preact/hooks';
import { estimate } from '../src/core/estimates/estimate.js';
import { parseInstant } from '../src/core/estimates/durations.js';
import { lastActivityText } from '../src/core/text/state-text.js';
import type { Execution } from '../src/core/execution.js';
import { isFinal } from '../src/core/execution.js';
import { formatBytes, formatClock, formatCount, formatOutcome, formatPercent } from '../src/core/text/format.js';
import { findByText } from '../src/core/lists/lookup.js';
import { errorOf } from '../src/core/lists/visible-steps.js';
import { CONTROL_KEYS, ControlButtons } from './controls.js';
import { staleReason, useModel } from './context.js';
import { useKeys } from './keys.js';
import { go, pathOf, replacePath, setQuery, useRoute } from './route.js';
import { Badge, Bar, timeText, workText } from './status.js';
import { Steps } from './steps.js';
import type { Tab } from './tabs/tabs.js';
import { TABS } from './tabs/tabs.js';

export function ExecutionPage({ id }: { id: string }) {
  const model = useModel();
  const { query } = useRoute();
  const tab = TABS.find((one) => one.id === query.get('tab')) ?? TABS[0];
  const [step, setStep] = useState<string | undefined>();
  const found = findByText(model.executions(), id);
  const execution = found && 'execution' in found ? found.execution : undefined;
  const fullId = execution?.id;
  // an address may contain a name or a prefix; the stream is followed by ID
  useEffect(() => {
    if (fullId !== undefined && fullId !== id) replacePath(pathOf(fullId));
  }, [fullId, id]);
  const now = model.now();
  useKeys(1, 'This execution', [
    ...CONTROL_KEYS,
    ...TABS.map((one, index) => ({ names: [String(index + 1)], what: one.label, run: () => chooseTab(one) })),
    { names: ['s'], what: 'To the steps', run: focusSteps },
    { names: ['u'], what: 'Back to the list', run: () => go('/') },
  ]);
  if (!execution) return <Missing />;
  const onStep = (wanted: string) => {
    setStep(wanted);
    setQuery({ tab: '' });
  };
  return (
    <main class="execution">
      <Head execution={execution} now={now} />
      <div class="columns">
        <Steps execution={execution} now={now} onStep={onStep} />
        <div class="pane">
          <Tabs tab={tab} />
          <div class="tab" role="tabpanel" id="panel" aria-label={tab.label}>
            <tab.View
              key={tab.id}
              execution={execution}
              now={now}
              onStep={onStep}
              step={step}
              onStepShown={() => setStep(undefined)}
            />
          </div>
        </div>
      </div>
    </main>
  );
}

function Missing() {
  const model = useModel();
  if (!model.failure) return <p class="empty">{model.isLoaded ? '' : 'Loading…'}</p>;
  return (
    <main>
      <p class="empty">
        {model.failure.status === 404
          ? 'There is no such execution. It may have been removed with the oldest part of the journal.'
          : model.failure.message}
      </p>
    </main>
  );
}

function Head({ execution, now }: { execution: Execution; now: number }) {
  const model = useModel();
  const { share } = estimate(execution, now);
  const over = isFinal(execution.status);
  const error = errorOf(execution.outcome);
  return (
    <div class="head">
      <div class="row1">
        {over ? (
          <span class={`badge ended s-${execution.status}`}>{execution.status.toUpperCase()}</span>
        ) : (
          <Badge execution={execution} now={now} isStale={staleReason(model) !== undefined} />
        )}
        <h1>{execution.name}</h1>
        {share !== undefined && !over && <span class="percent">{formatPercent(share)}</span>}
        <span class="elapsed">
          {over ? formatOutcome(execution.status, execution.durationMs) : timeText(execution, now)}
        </span>
        <ControlButtons execution={execution} />
      </div>
      <Bar execution={execution} now={now} />
      <p class="facts">
        {factsOf(execution, now).map((fact) => (
          <span key={fact}>{fact}</span>
        ))}
      </p>
      {execution.attention?.state === 'waiting' && (
        <p class="attention">
          Needs you{execution.attention.reason === undefined ? '' : `: ${execution.attention.reason}`}
        </p>
      )}
      {error !== undefined && <p class="error">{error}</p>}
      <Values execution={execution} />
    </div>
  );
}

/** Parameters, input and output. */
function Values({ execution: { payload = {} } }: { execution: Execution }) {
  const { parameters, input, output } = payload;
  const values = Object.entries({ parameters, input, output }).filter(([, value]) => value !== undefined);
  return (
    <>
      {values.map(([name, value]) => (
        <details key={name} class="value">
          <summary>{name}</summary>
          <pre>{value}</pre>
        </details>
      ))}
    </>
  );
}

function factsOf(execution: Execution, now: number): string[] {
  const { id, kind, agent, resources, startedAt, queue } = execution;
  const { cwd, host } = execution.process ?? {};
  const { exitCode, signal } = execution.outcome ?? {};
  const { tokens, costUsd } = execution.usage ?? {};
  const started = parseInstant(startedAt);
  return [
    id,
    kind,
    workText(execution),
    agent?.name ?? '',
    queue === undefined ? '' : `queue ${queue}`,
    exitCode === undefined ? '' : `exit ${exitCode}`,
    signal ?? '',
    started === undefined ? '' : `started ${new Date(started).toLocaleDateString()} ${formatClock(started)}`,
    lastActivityText(execution, now),
    resources?.cpu === undefined ? '' : `${Math.round(resources.cpu)} % CPU`,
    resources?.cpu !== undefined || resources?.peakCpu === undefined ? '' : `up to ${resources.peakCpu} % CPU`,
    resources?.rss === undefined ? '' : formatBytes(resources.rss),
    resources?.rss !== undefined || resources?.peakRss === undefined ? '' : `peak ${formatBytes(resources.peakRss)}`,
    tokens === undefined ? '' : `${formatCount(tokens)} tokens`,
    costUsd === undefined ? '' : `$${costUsd.toFixed(2)}`,
    cwd ?? '',
    host ?? '',
  ].filter((fact) => fact !== '');
}

function chooseTab(tab: Tab): void {
  setQuery({ tab: tab === TABS[0] ? '' : tab.id }, '');
}

/** @returns False without steps. */
function focusSteps(): boolean {
  const step = document.querySelector<HTMLElement>('.steps button');
  step?.focus();
  return step !== null;
}

function Tabs({ tab }: { tab: Tab }) {
  const onKey = (event: KeyboardEvent) => {
    const shift = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    const next = TABS[(TABS.indexOf(tab) + shift + TABS.length) % TABS.length];
    if (shift === 0 || next === undefined) return;
    chooseTab(next);
    const target = event.currentTarget as HTMLElement;
    target.querySelector<HTMLElement>(`[data-tab=${next.id}]`)?.focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label="Views" onKeyDown={onKey}>
      {TABS.map((one) => (
        <button
          key={one.id}
          role="tab"
          data-tab={one.id}
          aria-selected={one === tab}
          aria-controls="panel"
          tabIndex={one === tab ? 0 : -1}
          onClick={() => chooseTab(one)}
        >
          {one.label}
        </button>
      ))}
    </div>
  );
}
