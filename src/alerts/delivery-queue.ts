/**
 * The deliveries over one channel: one after the other, in the order of the journal, each until it is settled. What is
 * to be sent stands in the journal; here is only what is being sent.
 */
import type { AlertOutcome } from '../core/alerts.js';
import { alertOutcomeOf } from '../core/alerts.js';
import type { Clock } from '../core/clock.js';
import type { EventData, ExecutionEvent, NewEvent } from '../core/event.js';
import { formatDuration } from '../core/format.js';
import { ProgressError } from '../core/errors.js';
import type { Alert, AlertChannel, DeliveryOutcome } from './channel.js';
import { backOff, createAllowance } from './rate-limit.js';

export interface DeliveryQueue {
  /** There may be something to send. */
  wake(): void;
  /** From now on over this one, or over none: then what is to be sent has failed. */
  use(channel: AlertChannel | undefined, settings: DeliverySettings): void;
  readonly channel: AlertChannel | undefined;
  /** Why the newest attempt has failed, and when the next one is, in milliseconds from now; while it is so. */
  readonly trouble: { error: string; nextMs: number } | undefined;
  /** What is under way is abandoned, and sent again after the next start. */
  close(): Promise<void>;
}

export interface DeliverySettings {
  /** Alerts a minute. */
  rate: number;
  /** Milliseconds after which no further attempt is made. */
  giveUp: number;
}

export interface DeliveryQueueOptions {
  name: string;
  /** seqs of the events of what is to be sent, oldest first, as they are at the moment. */
  pending: () => readonly number[];
  /** Those of these events that are there. */
  read: (seqs: readonly number[]) => Promise<ExecutionEvent[]>;
  alertOf: (event: ExecutionEvent) => Promise<Alert>;
  /** Writes these together; rejects when they cannot be written. */
  write: (events: NewEvent[]) => Promise<void>;
  /** An id for what tells how many were suppressed through this seq. */
  summaryId: (through: number) => string;
  clock: Clock;
  /** Milliseconds since 1970, by a clock that nobody sets. */
  now: () => number;
  log: (message: string) => void;
  random?: () => number;
}

/** Kept in memory of what is to be sent. */
const AHEAD = 32;
/** What is beyond the rate waits for so long; if it is then still too much, it is told as a number. */
const WINDOW_MS = 30_000;
/** Longer than any channel's own patience. */
const PATIENCE_MS = 6 * 60_000;
/** A full disk, or a journal that cannot be read: for how long it is left alone. */
const TROUBLE_MS = 5_000;

/** What has become of some: those up to `of`, or one that was not written down before. */
interface Settled {
  outcome: Exclude<AlertOutcome, 'pending' | 'held'>;
  error?: string;
  attempts?: number;
  count?: number;
}

export function createDeliveryQueue(options: DeliveryQueueOptions): DeliveryQueue {
  const { name, pending, read, alertOf, write, summaryId, clock, now, log, random } = options;
  const allowance = createAllowance(1, clock);
  const closing = new AbortController();
  let settings: DeliverySettings = { rate: 1, giveUp: 0 };
  let channel: AlertChannel | undefined;
  let running: Promise<void> | undefined;
  /** Ends a pause: any, or one before another attempt. */
  let interrupt = () => {};
  let tryNow = () => {};
  /** Read, and not settled. */
  let ahead: ExecutionEvent[] = [];
  let isAllowed = false;
  /** Of the first of them. */
  let attempts = 0;
  /** In a row, of any. */
  let failures = 0;
  let trouble: { error: string; at: number } | undefined;
  /** Settled here, though it may not be written yet. */
  let settledThrough = 0;
  let unwritten: NewEvent[] = [];

  const waiting = (): readonly number[] => {
    const seqs = pending();
    const next = seqs.findIndex((seq) => seq > settledThrough);
    return next < 0 ? [] : next === 0 ? seqs : seqs.slice(next);
  };

  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      const cancel = clock.after(ms, resolve);
      interrupt = () => {
        cancel();
        resolve();
      };
    });

  const settle = async (of: number, settled: Settled, event?: ExecutionEvent, more: NewEvent[] = []) => {
    settledThrough = of;
    ahead = ahead.filter(({ seq }) => seq > of);
    attempts = 0;
    isAllowed = false;
    const data = { ...(event && describe(event)), channel: name, of, ...settled };
    const execution = event?.execution;
    unwritten.push({ type: 'alert_triggered', ...(execution !== undefined && { execution }), data }, ...more);
    await writeDown();
  };

  const writeDown = async () => {
    await write(unwritten);
    unwritten = [];
  };

  /** More than can be told: one alert says how many. */
  const suppress = async (seqs: readonly number[]) => {
    const of = seqs.at(-1) ?? 0;
    const count = seqs.length;
    const summary: NewEvent = {
      type: 'alert_triggered',
      data: {
        ...{ outcome: 'pending', id: summaryId(of), rule: 'suppressed', channel: name, suppressed: count },
        ...{ title: `! ${count} more alerts suppressed`, body: 'progress notify --log lists them', urgency: 'normal' },
      },
    };
    await settle(of, { outcome: 'suppressed', count }, undefined, [summary]);
  };

  const attempt = async (event: ExecutionEvent, by: AlertChannel): Promise<DeliveryOutcome> => {
    attempts += 1;
    const alert = await alertOf(event);
    const late = new AbortController();
    const signal = AbortSignal.any([closing.signal, late.signal]);
    const given = new Promise<DeliveryOutcome>((resolve) => {
      const cancel = clock.after(PATIENCE_MS, () => {
        late.abort();
        resolve({ outcome: 'retry', error: `no answer within ${formatDuration(PATIENCE_MS)}` });
      });
      by.send(alert, signal)
        .catch((error: unknown): DeliveryOutcome => ({ outcome: 'retry', error: ProgressError.from(error).message }))
        .then((outcome) => {
          cancel();
          resolve(outcome);
        }, log);
    });
    return await given;
  };

  const isExpired = ({ time }: ExecutionEvent) => now() - Date.parse(time) > settings.giveUp;

  const deliver = async (event: ExecutionEvent): Promise<void> => {
    if (!channel) return await settle(event.seq, { outcome: 'failed', error: 'there is no such channel' }, event);
    if (failures > 0 && attempts === 0 && isExpired(event)) {
      return await settle(event.seq, { outcome: 'failed', error: 'given up, like those before it' }, event);
    }
    const outcome = await attempt(event, channel);
    if (closing.signal.aborted) return;
    if (outcome.outcome !== 'retry') {
      failures = 0;
      trouble = undefined;
      const { outcome: is } = outcome;
      return await settle(event.seq, { ...outcome, ...(is !== 'unavailable' && { attempts }) }, event);
    }
    failures += 1;
    const { error, after } = outcome;
    if (isExpired(event)) return await settle(event.seq, { outcome: 'failed', error, attempts }, event);
    if (failures === 1) log(`alerts over ${name} do not get through: ${error}`);
    const ms = backOff(failures, after, random);
    trouble = { error, at: clock.now() + ms };
    const paused = pause(ms);
    tryNow = interrupt;
    await paused;
    tryNow = () => {};
  };

  /** One step: false when nothing is left to do. */
  const advance = async (): Promise<boolean> => {
    if (unwritten.length > 0) await writeDown();
    const seqs = waiting();
    const [first] = seqs;
    if (first === undefined) return false;
    // retention has told of some already
    ahead = ahead.filter(({ seq }) => seq >= first);
    if (channel && !isAllowed && !(isAllowed = allowance.take())) {
      await pause(WINDOW_MS);
      const beyond = waiting();
      if (!closing.signal.aborted && beyond.length > allowance.left) await suppress(beyond);
      return true;
    }
    if (ahead.length === 0)
      ahead = (await read(seqs.slice(0, AHEAD))).filter((event) => alertOutcomeOf(event) === 'pending');
    const [event] = ahead;
    if (event?.seq === first) await deliver(event);
    else {
      log(`an alert over ${name} has left the journal before it could be sent`);
      await settle(first, { outcome: 'lost', error: 'it left the journal before it could be sent' });
    }
    return true;
  };

  const work = async () => {
    while (!closing.signal.aborted) {
      try {
        if (!(await advance())) return;
      } catch (error) {
        log(`alerts over ${name}: ${ProgressError.from(error).message}`);
        await pause(TROUBLE_MS);
      }
    }
  };

  const wake = () => {
    if (running || closing.signal.aborted || waiting().length === 0) return;
    running = work().finally(() => {
      running = undefined;
      wake();
    });
  };

  return {
    wake,
    use(next, changed) {
      settings = changed;
      allowance.set(changed.rate);
      if (next !== channel) void channel?.close?.().catch(() => undefined);
      channel = next;
      tryNow();
      wake();
    },
    get channel() {
      return channel;
    },
    get trouble() {
      return trouble && { error: trouble.error, nextMs: Math.max(0, trouble.at - clock.now()) };
    },
    async close() {
      closing.abort();
      interrupt();
      await running;
      await channel?.close?.().catch(() => undefined);
    },
  };
}

/** What a settlement repeats of the alert. */
function describe({ data }: ExecutionEvent): EventData {
  const kept = ['id', 'rule', 'rules', 'title'].map((key) => [key, data[key]] as const);
  return Object.fromEntries(kept.filter(([, value]) => value !== undefined));
}
