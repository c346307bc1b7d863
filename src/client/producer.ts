/** Events that reach the journal once each, whatever becomes of the connection: counted, kept until acknowledged, resent. */
import type { EventData } from '../core/event.js';
import { ProgressError } from '../errors.js';
import type { Paths } from '../paths.js';
import type { Ack } from '../protocol/messages.js';
import type { Client } from './client.js';
import { connect } from './connect.js';

export interface ProducedEvent {
  type: string;
  execution?: string;
  step?: string;
  time?: string;
  data: EventData;
}

export interface Producer {
  emit(event: ProducedEvent): void;
  /** The daemon takes events, and is behind: whoever can wait should wait for `onRoom`. */
  readonly full: boolean;
  /**
   * Everything emitted is written, or `milliseconds` are over. Starts a daemon if there is none. Returns how many
   * events are not known to be written, those that were dropped among them.
   */
  flush(milliseconds: number): Promise<number>;
  close(): Promise<void>;
}

export interface ProducerOptions {
  paths: Paths;
  /** Unique among all producers. */
  source: string;
  onRoom?: () => void;
}

/** The daemon takes events, and this much is not acknowledged: it is slower than we are. */
const FULL_BYTES = 8 * 1024 * 1024;
/** It takes none, and this much waits: the oldest output goes, counted; everything else stays. */
const KEPT_BYTES = 64 * 1024 * 1024;
/** Full, and nothing is acknowledged for so long: the daemon hangs, and is no longer waited for. */
const STALL_MS = 5_000;
/** EX_DATAERR: what was sent is wrong, and would be wrong again. */
const BAD_INPUT = 65;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 2_000;

interface Kept extends ProducedEvent {
  source: string;
  n: number;
  bytes: number;
}

export function createProducer({ paths, source, onRoom }: ProducerOptions): Producer {
  let kept: Kept[] = [];
  /** Of these, the first so many went over this connection. */
  let sent = 0;
  let bytes = 0;
  let dropped = 0;
  /** Of these, the journal tells. */
  let said = 0;
  let lastExecution: string | undefined;
  let counter = 0;
  let client: Client | undefined;
  /** Connected, but it hangs, or refuses for now: nobody waits for it. */
  let stuck = false;
  /** The socket takes no more, or what was refused is not due yet. */
  let draining = false;
  let waiting = false;
  let closing = false;
  let linking: Promise<void> | undefined;
  let retry: NodeJS.Timeout | undefined;
  let retries = 0;
  let stall: NodeJS.Timeout | undefined;
  let waiters: (() => void)[] = [];

  const isFull = () => client !== undefined && !stuck && bytes >= FULL_BYTES;

  /** As much as the socket takes. */
  const pump = () => {
    for (let next; client && !draining && !waiting && (next = kept[sent]);) {
      sent++;
      const { bytes: _bytes, ...event } = next;
      if (client.send({ ...event })) continue;
      draining = true;
      const behind = client;
      void behind.drained().then(() => {
        if (client !== behind) return;
        draining = false;
        pump();
      });
    }
  };

  const giveUp = () => {
    stuck = true;
    onRoom?.();
  };
  const watchStall = () => {
    if (isFull()) stall ??= setTimeout(giveUp, STALL_MS).unref();
  };

  const onAck = ({ source: whose, n }: Ack['ack']) => {
    if (whose !== source) return;
    clearTimeout(stall);
    stall = undefined;
    const wasFull = isFull();
    stuck = waiting;
    let done = 0;
    while ((kept[done]?.n ?? Infinity) <= n) bytes -= kept[done++]?.bytes ?? 0;
    kept.splice(0, done);
    sent = Math.max(0, sent - done);
    sayDropped();
    watchStall();
    if (wasFull && !isFull()) onRoom?.();
    if (kept.length === 0) for (const wake of waiters.splice(0)) wake();
  };

  const link = (start: boolean): Promise<void> =>
    (linking ??= connect({ paths, start, name: source, onAck, onError })
      .then((connected) => {
        client = connected;
        [sent, draining, waiting, stuck, retries] = [0, false, false, false, 0];
        pump();
        void connected.closed.then(() => {
          client = undefined;
          if (closing) return;
          clearTimeout(stall);
          stall = undefined;
          onRoom?.();
          retryLater();
        });
      })
      .finally(() => (linking = undefined)));

  const retryLater = () => {
    const wait = Math.min(FIRST_RETRY_MS * 2 ** retries++, LAST_RETRY_MS);
    clearTimeout(retry);
    retry = setTimeout(() => void link(false).catch(retryLater), wait);
    retry.unref();
  };

  /** Not the event's fault, a full disk for instance: everything not acknowledged is sent again, in its order. */
  const onError = (error: ProgressError) => {
    if (error.exitStatus === BAD_INPUT || waiting || closing) return;
    waiting = true;
    sent = 0;
    giveUp();
    clearTimeout(retry);
    retry = setTimeout(() => {
      waiting = false;
      pump();
    }, LAST_RETRY_MS);
    retry.unref();
  };

  const keep = (event: ProducedEvent) => {
    const numbered: Kept = { ...event, time: event.time ?? new Date().toISOString(), source, n: counter++, bytes: 0 };
    numbered.bytes = JSON.stringify(numbered.data).length;
    bytes += numbered.bytes;
    kept.push(numbered);
    if (bytes > KEPT_BYTES) dropOutput();
    watchStall();
  };

  /** Half of what may be kept, so that this is seldom needed. What is on its way stays. */
  const dropOutput = () => {
    // to the daemon the first that it refused comes before all others; on another connection what is left may
    if (waiting) client?.destroy();
    const left = kept.slice(sent).filter((event) => {
      if (bytes <= KEPT_BYTES / 2 || event.type !== 'output') return true;
      bytes -= event.bytes;
      dropped++;
      return false;
    });
    kept = [...kept.slice(0, sent), ...left];
  };

  /** In the journal, where the output is missing. */
  const sayDropped = () => {
    if (dropped === said) return;
    const message = `${dropped - said} events of output were dropped: no daemon took them, and too many waited`;
    said = dropped;
    keep({
      type: 'log',
      ...(lastExecution !== undefined && { execution: lastExecution }),
      data: { level: 'warning', message },
    });
    pump();
  };

  link(true).catch(retryLater);

  return {
    emit(event) {
      lastExecution = event.execution;
      keep(event);
      pump();
    },
    get full() {
      return isFull();
    },
    async flush(milliseconds) {
      if (!client && kept.length > 0) await link(true).catch(() => undefined);
      // a daemon that cannot be started will not come in this time either
      if (client && kept.length > 0) {
        let timer: NodeJS.Timeout | undefined;
        const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, milliseconds)));
        await Promise.race([new Promise<void>((resolve) => waiters.push(resolve)), late]);
        clearTimeout(timer);
        waiters = [];
      }
      return kept.length + dropped;
    },
    async close() {
      closing = true;
      clearTimeout(retry);
      clearTimeout(stall);
      await linking?.catch(() => undefined);
      await client?.close();
    },
  };
}
