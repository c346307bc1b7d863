/** Records once that an execution has become silent; the fold ends that state at its next activity. */
import type { ExecutionEvent, NewEvent } from '../../core/event.js';
import type { Execution, Status } from '../../core/execution.js';
import { PASSIVE_TYPES } from '../../core/fold.js';
import { formatDuration } from '../../core/format.js';
import type { SilenceSettings } from '../../core/silence.js';
import { canBeSilent, createGaps } from '../../core/silence.js';
import type { State } from '../../core/state.js';
import { findExecution } from '../../core/state.js';
import { ProgressError } from '../../core/errors.js';
import type { Log } from '../daemon-log.js';
import type { Ingest } from '../intake/ingest.js';

export interface InactivityWatch {
  /** These are in the journal and in the state. */
  onBatch(events: readonly ExecutionEvent[]): void;
  /** Says of whom nothing is heard; by itself it looks every few seconds, while anything runs. */
  check(): void;
  close(): void;
}

export interface InactivityOptions {
  state: State;
  ingest: Pick<Ingest, 'between' | 'writeNow'>;
  settings: () => SilenceSettings;
  log: Log;
  now: () => number;
  /** Between two looks. */
  lookMs?: number;
}

const LOOK_MS = 5_000;
const ENDED_BY_ITSELF: ReadonlySet<Status> = new Set<Status>(['completed', 'failed']);

export function createInactivityWatch({
  state,
  ingest,
  settings,
  log,
  now,
  lookMs = LOOK_MS,
}: InactivityOptions): InactivityWatch {
  const gaps = createGaps();
  /** When each was heard of last, by our own clock: a backlog is no silence, nor is the time while no daemon ran. */
  const heard = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;

  const learn = ({ id, name }: Execution) => {
    const before = heard.get(id);
    if (before !== undefined) gaps.add(name, now() - before);
  };

  const isSilent = (execution: Execution): boolean => {
    const since = heard.get(execution.id);
    return since !== undefined && canBeSilent(execution) && now() - since > gaps.limit(execution.name, settings());
  };

  /** Of what is over, or stopped, nothing is remembered: the time until it goes on is no gap. */
  const forget = () => {
    for (const id of heard.keys()) {
      const execution = state.alive.get(id);
      if (!execution || (!canBeSilent(execution) && execution.attention !== 'silent')) heard.delete(id);
    }
    for (const execution of state.alive.values()) {
      if (canBeSilent(execution) && !heard.has(execution.id)) heard.set(execution.id, now());
    }
  };

  const look = () => {
    clearTimeout(timer);
    timer = undefined;
    forget();
    const isAny = [...state.alive.values()].some(isSilent);
    // what it says must be true when it is written: so it is found out between two writes
    const say = async () => {
      const events = [...state.alive.values()]
        .filter(isSilent)
        .map((one) => told(one, now() - (heard.get(one.id) ?? 0)));
      if (events.length > 0) await ingest.writeNow(events);
    };
    if (isAny) ingest.between(say).catch((error: unknown) => log(`silence: ${ProgressError.from(error).message}`));
    if (heard.size > 0) arm();
  };

  const arm = () => {
    timer ??= setTimeout(look, lookMs).unref();
  };

  return {
    onBatch(events) {
      const ids = new Set<string>();
      for (const { type, execution } of events) {
        if (execution !== undefined && !PASSIVE_TYPES.has(type)) ids.add(execution);
      }
      for (const id of ids) {
        const execution = findExecution(state, id);
        const isActive = execution !== undefined && canBeSilent(execution);
        // how long it said nothing before it ended by itself is usual too
        if (execution && (isActive || ENDED_BY_ITSELF.has(execution.status))) learn(execution);
        if (isActive) heard.set(id, now());
        else heard.delete(id);
      }
      if (heard.size > 0) arm();
    },
    check: look,
    close: () => clearTimeout(timer),
  };
}

function told({ id }: Execution, ms: number): NewEvent {
  const reason = `nothing heard for ${formatDuration(ms)}`;
  return { type: 'attention', execution: id, data: { state: 'silent', reason } };
}
