/** What has fired on its way into the journal: nothing is lost when that takes none for a while. */
import { MAX_PENDING } from '../core/alerts.js';
import type { Clock } from '../core/clock.js';
import type { NewEvent } from '../core/event.js';
import { textOf } from '../core/event.js';
import { ProgressError } from '../core/errors.js';

export interface AlertWriter {
  add(event: NewEvent): void;
  /** Writes what is there; for use between two writes only. */
  flush(): Promise<void>;
  close(): void;
}

/** The way into the journal. */
export interface EventWriter {
  /** Does something between two writes. */
  between(task: () => Promise<void>): Promise<void>;
  /** Writes these together, from there; rejects when they cannot be written. */
  writeNow(events: NewEvent[]): Promise<void>;
}

export interface AlertWriterOptions {
  writer: EventWriter;
  /** How many more may wait for a channel. */
  roomOf: (channel: string) => number;
  clock: Clock;
  log: (message: string) => void;
}

/** A full disk is left alone for so long. */
const TROUBLE_MS = 5_000;

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
    const goOn = () => {
      isBusy = false;
      send();
    };
    writer.between(flush).then(goOn, (error: unknown) => {
      log(`alerts cannot be written down: ${ProgressError.from(error).message}`);
      clock.after(TROUBLE_MS, goOn);
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

/** Those that there is room for, and of the others how many there are. */
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
