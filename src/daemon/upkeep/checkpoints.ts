/** Saves snapshots of the state between two writes, so that the next start reads only newer events. */
import type { State } from '../../core/state/state.js';
import { ProgressError } from '../../core/base/errors.js';
import { writeCheckpoint } from '../../journal/checkpoint.js';
import type { Journal } from '../../journal/journal.js';
import type { Component } from '../component.js';
import type { Log } from '../daemon-log.js';

export interface CheckpointsOptions {
  file: string;
  journal: Pick<Journal, 'id' | 'sync'>;
  state: State;
  log: Log;
}

type Task = () => Promise<void>;

/** Saves the state a last time when it closes. A daemon whose start has failed before that saves nothing. */
export class Checkpoints implements Component {
  readonly #options: CheckpointsOptions;
  readonly #before: Task[] = [];
  readonly #afterLast: Task[] = [];
  #isStarted = false;

  constructor(options: CheckpointsOptions) {
    this.#options = options;
  }

  /** Registers a task that must succeed before each checkpoint: a start does not read again what the checkpoint has. */
  beforeEach(task: Task): void {
    this.#before.push(task);
  }

  /** Registers a task for the end of the daemon, when everything written is synced. */
  afterLast(task: Task): void {
    this.#afterLast.push(task);
  }

  start(): void {
    this.#isStarted = true;
  }

  /** Writes a checkpoint. Call it between two writes only: the state must not change meanwhile. */
  readonly write = async (): Promise<void> => {
    const { file, journal, state } = this.#options;
    for (const task of this.#before) await task();
    await journal.sync();
    await writeCheckpoint(file, journal.id, state);
  };

  async close(): Promise<void> {
    if (!this.#isStarted) return;
    try {
      await this.write();
    } catch (error) {
      this.#options.log(`no checkpoint: ${ProgressError.from(error).message}`);
    }
    for (const task of this.#afterLast) await task();
  }
}
