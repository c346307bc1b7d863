/** Records once that an execution has become silent; the fold ends that state at its next activity. */
import type { ExecutionEvent, NewEvent } from '../../core/events/event.js';
import type { Execution, Status } from '../../core/execution.js';
import { PASSIVE_TYPES } from '../../core/events/event.js';
import { formatDuration } from '../../core/text/format.js';
import type { SilenceSettings } from '../../core/estimates/silence.js';
import { canBeSilent, createGaps } from '../../core/estimates/silence.js';
import type { State } from '../../core/state/state.js';
import { findExecution } from '../../core/state/state.js';
import { ProgressError } from '../../core/base/errors.js';
import type { Component } from '../component.js';
import type { Log } from '../daemon-log.js';
import type { Ingest } from '../intake/ingest.js';

export interface InactivityOptions {
  state: State;
  ingest: Pick<Ingest, 'between' | 'writeNow'>;
  settings: () => SilenceSettings;
  log: Log;
  now: () => number;
  /** Interval of checks, while anything runs. */
  checkMs?: number;
}

const CHECK_MS = 5_000;
const ENDED_BY_ITSELF: ReadonlySet<Status> = new Set<Status>(['completed', 'failed']);

export class InactivityWatch implements Component {
  readonly #options: InactivityOptions;
  readonly #gaps = createGaps();
  /**
   * Last activity by execution, by the daemon's monotonic clock, so that neither backlogs nor downtime count as
   * silence.
   */
  readonly #lastActivity = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: InactivityOptions) {
    this.#options = options;
  }

  onBatch(events: readonly ExecutionEvent[]): void {
    const { state, now } = this.#options;
    const ids = new Set<string>();
    for (const { type, execution } of events) {
      if (execution !== undefined && !PASSIVE_TYPES.has(type)) ids.add(execution);
    }
    for (const id of ids) {
      const execution = findExecution(state, id);
      const isActive = execution !== undefined && canBeSilent(execution);
      // the silence before an execution ended by itself was usual as well
      if (execution && (isActive || ENDED_BY_ITSELF.has(execution.status))) this.#learnGap(execution);
      if (isActive) this.#lastActivity.set(id, now());
      else this.#lastActivity.delete(id);
    }
    if (this.#lastActivity.size > 0) this.#schedule();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  /** Records executions that are silent now. */
  check(): void {
    const { state, ingest, log } = this.#options;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#forget();
    if ([...state.alive.values()].some((execution) => this.#isSilent(execution))) {
      // what is recorded must be true when it is written, so it is determined between two writes
      ingest
        .between(() => this.#record())
        .catch((error: unknown) => log(`silence: ${ProgressError.from(error).message}`));
    }
    if (this.#lastActivity.size > 0) this.#schedule();
  }

  async #record(): Promise<void> {
    const { state, ingest, now } = this.#options;
    const events = [...state.alive.values()]
      .filter((execution) => this.#isSilent(execution))
      .map(({ id }) => silenceEvent(id, now() - (this.#lastActivity.get(id) ?? 0)));
    if (events.length > 0) await ingest.writeNow(events);
  }

  #learnGap({ id, name }: Execution): void {
    const before = this.#lastActivity.get(id);
    if (before !== undefined) this.#gaps.add(name, this.#options.now() - before);
  }

  #isSilent(execution: Execution): boolean {
    const { now, settings } = this.#options;
    const since = this.#lastActivity.get(execution.id);
    if (since === undefined || !canBeSilent(execution)) return false;
    return now() - since > this.#gaps.limit(execution.name, settings());
  }

  /** Forgets executions that have ended or are stopped: the time until they continue is no gap. */
  #forget(): void {
    const { state, now } = this.#options;
    const lastActivity = this.#lastActivity;
    for (const id of lastActivity.keys()) {
      const execution = state.alive.get(id);
      if (!execution || (!canBeSilent(execution) && execution.attention?.state !== 'silent')) lastActivity.delete(id);
    }
    for (const execution of state.alive.values()) {
      if (canBeSilent(execution) && !lastActivity.has(execution.id)) lastActivity.set(execution.id, now());
    }
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => this.check(), this.#options.checkMs ?? CHECK_MS).unref();
  }
}

function silenceEvent(execution: string, ms: number): NewEvent {
  const reason = `no activity for ${formatDuration(ms)}`;
  return { type: 'attention', execution, data: { state: 'silent', reason } };
}
