/**
 * Periodic checkpoints, and retention with its carry-over.
 *
 * Retention writes what is still alive in the oldest segments again, as `journal_note` events, before it removes them,
 * so the fold of the remaining segments is the state. A clock that jumps ahead by more than a day is not trusted at
 * once: nothing is removed by age until the next check, an hour later, confirms it, and the log says so.
 */
import { loseAlerts } from '../../core/state/alerts.js';
import type { ExecutionEvent } from '../../core/events/event.js';
import { formatDuration } from '../../core/text/format.js';
import type { ProducerState, State } from '../../core/state/state.js';
import { ProgressError } from '../../core/base/errors.js';
import type { Journal } from '../../journal/journal.js';
import { firstEventTime, lastWriteTime } from '../../journal/reader.js';
import type { Component } from '../component.js';
import type { Log } from '../daemon-log.js';
import type { Ingest } from '../intake/ingest.js';
import { batches, carry, note } from './carry-over.js';

export interface MaintenanceOptions {
  journal: Journal;
  state: State;
  ingest: Ingest;
  checkpoint: () => Promise<void>;
  log: Log;
  now: () => number;
  /** A source without events for this long is not carried over. */
  retainMs: () => number;
  /** Removes files of executions that began before `time` and are in no state any more. */
  forget: (time: number) => void;
  /** Whether a source is still read: then its position is carried over. */
  isOpen: (source: string) => boolean;
  /** The start has read much after the last checkpoint: one is due at once. @default false */
  isBehind?: boolean;
}

/** Upper bound of what a start after a crash reads again. */
const CHECKPOINT_BYTES = 16 * 1024 * 1024;
const RETENTION_MS = 60 * 60 * 1000;
/** Delay after a changed configuration, so that a mistake can be corrected before it removes events. */
const CONFIGURED_MS = 60 * 1000;
/**
 * Between two checks the clock advances by RETENTION_MS, or by the time the daemon was not running. When it advances by
 * this much more, it may be wrong: nothing is removed by age until the next check confirms it.
 */
const LEAP_MS = 24 * 60 * 60 * 1000;
export class Maintenance implements Component {
  readonly #options: MaintenanceOptions;
  #unsavedBytes = 0;
  #isBusy = false;
  #interval: NodeJS.Timeout | undefined;
  #configured: NodeJS.Timeout | undefined;
  #checkedAt: number | undefined;

  constructor(options: MaintenanceOptions) {
    this.#options = options;
  }

  start(): void {
    const { ingest, checkpoint, isBehind = false } = this.#options;
    // a full disk takes no checkpoint; the next start reads the same again then
    if (isBehind) ingest.between(checkpoint).catch(() => undefined);
    this.#run(() => this.#check());
    this.#interval = setInterval(() => this.#run(() => this.#check()), RETENTION_MS);
  }

  onBatch(_events: readonly ExecutionEvent[], lines: readonly string[]): void {
    for (const line of lines) this.#unsavedBytes += line.length;
    if (this.#unsavedBytes > CHECKPOINT_BYTES) this.#run(() => this.#save());
  }

  /** Checks soon: the changed configuration may retain less. */
  configure(): void {
    clearTimeout(this.#configured);
    this.#configured = setTimeout(() => this.#run(() => this.#check()), CONFIGURED_MS);
  }

  close(): void {
    clearInterval(this.#interval);
    clearTimeout(this.#configured);
  }

  /** Runs one task at a time, between two writes. A failure is logged; the next occasion tries again. */
  #run(task: () => Promise<void>): void {
    if (this.#isBusy) return;
    const { ingest, log } = this.#options;
    this.#isBusy = true;
    ingest
      .between(task)
      .catch((error: unknown) => log(`maintenance: ${ProgressError.from(error).message}`))
      .finally(() => (this.#isBusy = false));
  }

  async #check(): Promise<void> {
    const { journal, log, now, forget } = this.#options;
    const before = this.#checkedAt ?? (await lastWriteTime(journal.source));
    const checkedAt = now();
    this.#checkedAt = checkedAt;
    const hasLeapt = before !== undefined && checkedAt - before > RETENTION_MS + LEAP_MS;
    if (hasLeapt)
      log(`the clock has jumped ahead by ${formatDuration(checkedAt - before)}: no event is removed by age yet`);
    await this.#retain(!hasLeapt);
    const oldest = await firstEventTime(journal.source);
    if (oldest !== undefined) forget(oldest);
  }

  async #save(): Promise<void> {
    this.#unsavedBytes = 0;
    await this.#options.checkpoint();
    await this.#retain(false);
  }

  /** Removes segments by size, and by age where the clock is trusted; writes again before what is alive in them. */
  async #retain(byAge: boolean): Promise<void> {
    const { journal, state, ingest, log, now, retainMs, isOpen } = this.#options;
    const through = journal.expired({ byAge });
    if (through === undefined) return;
    const quietBefore = byAge ? now() - retainMs() : -Infinity;
    const isKept = (name: string, { time }: ProducerState) => isOpen(name) || Date.parse(time) >= quietBefore;
    const lost = loseAlerts(state.alerts, through);
    if (lost.length > 0) {
      log('alerts were removed from the journal before they could be sent');
      await ingest.writeNow(lost);
    }
    for (const events of batches(carry(state, through, isKept))) await ingest.writeNow(events);
    await ingest.writeNow([note({ kind: 'removed', through })]);
    await journal.sync();
    await journal.removeThrough(through);
    log(`removed events up to ${through}`);
  }
}
