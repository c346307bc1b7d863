/** Writes alerts into the journal, and retries while it cannot be written. */
import { MAX_PENDING } from '../core/state/alerts.js';
import type { Clock } from '../core/base/clock.js';
import type { NewEvent } from '../core/events/event.js';
import { textOf } from '../core/events/event.js';
import { ProgressError } from '../core/base/errors.js';

export interface AlertWriter {
  add(event: NewEvent): void;
  /** Writes queued events; only for use between two writes. */
  flush(): Promise<void>;
  close(): void;
}

/** Access to the journal. */
export interface EventWriter {
  /** Runs a task between two writes. */
  between(task: () => Promise<void>): Promise<void>;
  /** Writes these events together, within `between`. */
  writeNow(events: NewEvent[]): Promise<void>;
}

export interface AlertWriterOptions {
  writer: EventWriter;
  /** How many more alerts can be queued for a channel. */
  roomOf: (channel: string) => number;
  clock: Clock;
  log: (message: string) => void;
}

/** Delay before a retry, after a full disk for instance. */
const RETRY_MS = 5_000;

export function createAlertWriter({ writer, roomOf, clock, log }: AlertWriterOptions): AlertWriter {
  let events: NewEvent[] = [];
  let isBusy = false;
  let closed = false;

  const flush = async () => {
    if (events.length === 0) return;
    const taken = events;
    events = [];
    try {
      await writer.writeNow(fit(taken, roomOf));
    } catch (error) {
      events = [...taken, ...events].slice(0, MAX_PENDING);
      throw error;
    }
  };

  const send = () => {
    if (isBusy || closed || events.length === 0) return;
    isBusy = true;
    const resume = () => {
      isBusy = false;
      send();
    };
    writer.between(flush).then(resume, (error: unknown) => {
      log(`cannot write alerts to the journal: ${ProgressError.from(error).message}`);
      clock.after(RETRY_MS, resume);
    });
  };

  return {
    add(event) {
      events.push(event);
      send();
    },
    flush,
    close: () => (closed = true),
  };
}

/** @returns the events that fit the queues, and for the others their number */
function fit(events: readonly NewEvent[], roomOf: (channel: string) => number): NewEvent[] {
  const room = new Map<string, number>();
  const fitting = events.filter(({ data }) => {
    const channel = textOf(data, 'channel') ?? '';
    const left = room.get(channel) ?? roomOf(channel);
    room.set(channel, left - 1);
    return left > 0;
  });
  const over = [...room].filter(([, left]) => left < 0);
  const error = `${MAX_PENDING} are waiting already`;
  return [
    ...fitting,
    ...over.map(([channel, left]): NewEvent => ({
      type: 'alert_triggered',
      data: { channel, outcome: 'suppressed', count: -left, error },
    })),
  ];
}
