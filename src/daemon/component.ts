/** The lifecycle of the daemon's long-lived parts, and the ordered list that starts, feeds, configures and closes them. */
import type { Config } from '../config/load.js';
import type { ExecutionEvent } from '../core/events/event.js';
import { ProgressError } from '../core/base/errors.js';
import type { Batch } from '../journal/lines.js';
import type { Log } from './daemon-log.js';

/** A part of the daemon that lives as long as the daemon. It implements the methods that it needs. */
export interface Component {
  /** Begins work. Every component is constructed by then, and those before it in the list are started. */
  start?(): Promise<void> | void;
  /** Receives one written batch: the events are in the journal and in the state. Also called after `close`. */
  onBatch?(events: ExecutionEvent[], lines: string[]): void;
  /** Intake accepts events again after it was full. */
  onDrain?(): void;
  /** Applies a changed configuration. */
  configure?(config: Config): Promise<void> | void;
  /** Stops work and releases resources. Called once, also when `start` was not called or has failed. */
  close?(): Promise<void> | void;
}

/** Ordered list of components. A component may use those before it; those after it register listeners with it. */
export class Components {
  readonly #list: Component[] = [];
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  add<T extends Component>(component: T): T {
    this.#list.push(component);
    return component;
  }

  /** Starts the components in order. @throws the reason of `signal` when that is aborted between two of them */
  async start(signal?: AbortSignal): Promise<void> {
    for (const component of this.#list) {
      signal?.throwIfAborted();
      await component.start?.();
    }
    signal?.throwIfAborted();
  }

  onBatch({ events, lines }: Batch): void {
    for (const component of this.#list) component.onBatch?.(events, lines);
  }

  /** In reverse order: listeners come last in the list, and clients wait for their events where files do not. */
  onDrain(): void {
    for (const component of this.#list.toReversed()) component.onDrain?.();
  }

  async configure(config: Config): Promise<void> {
    for (const component of this.#list) await component.configure?.(config);
  }

  /** Closes the components in reverse order, each even when another fails. @throws the first failure, at the end */
  async close(): Promise<void> {
    const failures: ProgressError[] = [];
    for (const component of this.#list.toReversed()) {
      try {
        await component.close?.();
      } catch (error) {
        failures.push(ProgressError.from(error));
      }
    }
    const [first, ...others] = failures;
    for (const { message } of others) this.#log(`while closing: ${message}`);
    if (first) throw first;
  }
}
