/**
 * The only way into the daemon. Each producer has a policy; what a producer submits is checked, masked, kept in the
 * order of its sources and split into lines that are short enough, before ingest writes it.
 */
import type { Config } from '../../config/load.js';
import type { ExecutionEvent, NewEvent } from '../../core/events/event.js';
import { EXECUTION_ENDS } from '../../core/events/event.js';
import type { ProgressError } from '../../core/base/errors.js';
import type { Entrance } from '../../core/routing/route.js';
import { splitEvent } from '../../protocol/encode.js';
import { checkProducer } from '../../protocol/validate.js';
import type { LineReceipt as TailReceipt } from '../../tailing/tail.js';
import { createIgnoreFilter, type IgnoreFilter } from './ignore-filter.js';
import type { Ingest, Origin } from './ingest.js';
import { createMask, type Mask } from './mask.js';
import { createSourceOrder, type SourceOrder } from './source-order.js';

export type ProducerKind = 'socket' | 'http' | 'spool' | 'session files' | 'daemon';

export interface ProducerPolicy {
  /** Refuses types that only the daemon may write, and masks secrets. */
  readonly isChecked: boolean;
  /** Holds back later events of a source after one was refused, until that one is sent again. */
  readonly isOrdered: boolean;
  /** Takes what commands have appended to the spool before the end of an execution. */
  readonly readsSpoolFirst: boolean;
  /** Drops commands that the configuration ignores. */
  readonly isFiltered: boolean;
}

const POLICIES = {
  socket: { isChecked: true, isOrdered: true, readsSpoolFirst: true, isFiltered: false },
  http: { isChecked: true, isOrdered: true, readsSpoolFirst: true, isFiltered: false },
  // what the spool holds is read in its own order already
  spool: { isChecked: true, isOrdered: true, readsSpoolFirst: false, isFiltered: true },
  'session files': { isChecked: true, isOrdered: true, readsSpoolFirst: false, isFiltered: false },
  // the daemon's own records hold nothing that was not masked before
  daemon: { isChecked: false, isOrdered: false, readsSpoolFirst: false, isFiltered: false },
} as const satisfies Record<ProducerKind, ProducerPolicy>;

/** Receives the outcome of submitted events, in their order. */
export interface EventReceipt {
  written: (event: ExecutionEvent) => void;
  /** The event is in the journal already, by its source and n or its ID. */
  duplicate: (event: NewEvent) => void;
  refused: (event: NewEvent, error: ProgressError) => void;
}

export interface IntakeOptions {
  ingest: Pick<Ingest, 'full' | 'submit' | 'submitParts' | 'submitDeferred'>;
  /** The current configuration. */
  config: () => Pick<Config, 'masks' | 'ignore'>;
}

export interface ProducerOptions {
  entrance?: Entrance;
  /** More sources have a refused event than the intake remembers. */
  onExcess?: () => void;
}

export class Intake {
  readonly #ingest: IntakeOptions['ingest'];
  readonly #mask: Mask;
  readonly #ignoreFilter: IgnoreFilter;
  readonly #beforeEnd: (() => void)[] = [];

  constructor({ ingest, config }: IntakeOptions) {
    this.#ingest = ingest;
    this.#mask = createMask(() => config().masks);
    this.#ignoreFilter = createIgnoreFilter(() => config().ignore);
  }

  /** Whether producers must pause until the intake drains. */
  get isFull(): boolean {
    return this.#ingest.full;
  }

  /** Registers a reader of the spool for producers whose policy reads it first. */
  beforeEnd(readSpool: () => void): void {
    this.#beforeEnd.push(readSpool);
  }

  /** Opens a producer: one connection, one HTTP request, or one reader of files. */
  producer(kind: ProducerKind, options: ProducerOptions = {}): Producer {
    const shared = { ingest: this.#ingest, mask: this.#mask, ignoreFilter: this.#ignoreFilter };
    return new Producer(POLICIES[kind], { ...shared, beforeEnd: this.#beforeEnd }, options);
  }
}

interface Shared {
  readonly ingest: IntakeOptions['ingest'];
  readonly mask: Mask;
  readonly ignoreFilter: IgnoreFilter;
  readonly beforeEnd: readonly (() => void)[];
}

/** One producer's way in. A connection calls `admit` and `submit` for each event. */
export class Producer {
  readonly #policy: ProducerPolicy;
  readonly #shared: Shared;
  readonly #entrance: Entrance | undefined;
  readonly #order: SourceOrder | undefined;

  constructor(policy: ProducerPolicy, shared: Shared, { entrance, onExcess = () => undefined }: ProducerOptions) {
    this.#policy = policy;
    this.#shared = shared;
    this.#entrance = entrance;
    this.#order = policy.isOrdered ? createSourceOrder(onExcess) : undefined;
  }

  get isFull(): boolean {
    return this.#shared.ingest.full;
  }

  /**
   * Checks and masks an event. Returns the same object when nothing had to be masked.
   *
   * @throws ProgressError for a type that only the daemon may write
   */
  admit(event: NewEvent): NewEvent {
    const { isChecked, readsSpoolFirst } = this.#policy;
    if (readsSpoolFirst && Object.hasOwn(EXECUTION_ENDS, event.type)) {
      for (const readSpool of this.#shared.beforeEnd) readSpool();
    }
    return isChecked ? this.#shared.mask(checkProducer(event)) : event;
  }

  /** Whether the configuration ignores the command that this event belongs to. Call once for each event, in order. */
  isIgnored(event: NewEvent): boolean {
    return this.#policy.isFiltered && this.#shared.ignoreFilter.covers(event);
  }

  /**
   * Binds a receipt to this producer, for any number of events.
   *
   * @param entrance how these events came in, where it differs within the producer
   */
  originOf({ written, duplicate, refused }: EventReceipt, entrance = this.#entrance): Origin {
    const order = this.#order;
    const origin: Origin = { written, duplicate, refused, ...(entrance && { entrance }) };
    if (!order) return origin;
    origin.refusal = order.refusal;
    origin.refused = (event, error) => {
      order.refused(event, error);
      refused(event, error);
    };
    return origin;
  }

  /**
   * Submits an admitted event.
   *
   * @param bytes its approximate size
   * @param text the line it came in, where the journal may hold that as it is
   */
  submit(event: NewEvent, bytes: number, origin: Origin, text?: string): void {
    const { ingest } = this.#shared;
    if (text === undefined) ingest.submitParts(splitEvent(event, bytes), bytes, origin);
    else ingest.submit(event, bytes, origin, text);
  }

  /** Submits admitted events that are written together or not at all; the last one has the n of all. */
  submitTogether(events: readonly NewEvent[], bytes: number, origin: Origin): void {
    const parts = events.flatMap((event) => splitEvent(event));
    this.#shared.ingest.submitParts(parts, bytes, origin);
  }

  /** Submits an event in whose place those that `make` returns are admitted and written, when its turn has come. */
  submitDeferred(event: NewEvent, make: () => readonly NewEvent[], bytes: number, origin: Origin): void {
    this.#shared.ingest.submitDeferred(event, () => make().map((one) => this.admit(one)), bytes, origin);
  }
}

/** Adapts the receipt of a line of a tailed file. */
export function receiptOf(line: TailReceipt | undefined): EventReceipt {
  return {
    written: () => line?.written(),
    duplicate: () => line?.duplicate(),
    refused: (_event, error) => line?.refused(error),
  };
}
