/** Applies the settings of journal, state and queues, between two writes. */
import type { Config } from '../../config/load.js';
import { toDeclare } from '../../core/state/queues.js';
import type { State } from '../../core/state/state.js';
import { setLimits } from '../../core/state/state.js';
import type { Journal } from '../../journal/journal.js';
import type { Component } from '../component.js';
import type { Ingest } from '../intake/ingest.js';
import type { RecordEvent } from '../intake/recorder.js';
import { tuningOf } from './open-journal.js';

export interface StoreSettingsOptions {
  journal: Pick<Journal, 'configure'>;
  state: State;
  ingest: Pick<Ingest, 'between'>;
  record: RecordEvent;
  /** Of the configuration at the start. */
  queues: Config['queues'];
}

export class StoreSettings implements Component {
  readonly #options: StoreSettingsOptions;

  constructor(options: StoreSettingsOptions) {
    this.#options = options;
  }

  start(): void {
    this.#declare(this.#options.queues);
  }

  async configure(config: Config): Promise<void> {
    const { journal, state, ingest } = this.#options;
    await ingest.between(async () => {
      setLimits(state, config.memory);
      this.#declare(config.queues);
      await journal.configure(tuningOf(config));
    });
  }

  /** Records the queues that the configuration has changed. */
  #declare(queues: Config['queues']): void {
    const { state, record } = this.#options;
    for (const data of toDeclare(state.queues, queues)) {
      record({ type: 'queue_changed', data: { ...data, by: 'configuration' } });
    }
  }
}
