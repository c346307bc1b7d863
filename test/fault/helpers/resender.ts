/**
 * A producer that records acknowledgements: it numbers its events, and after a lost connection or a refusal continues
 * after the last acknowledged one. Unlike the client of the library it remembers all events, and resends them aggressively.
 */
import { once } from 'node:events';
import { createConnection } from 'node:net';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { waitFor } from '../../helpers/wait.js';

export interface Resender {
  readonly source: string;
  /** Highest n acknowledged, -1 before the first. */
  readonly acked: number;
  /** Highest n sent. */
  readonly sent: number;
  readonly refusals: number;
  /** Sends no new events; resolves when all sent events are acknowledged. */
  finish(): Promise<void>;
  /** Closes the connection, and leaves the rest unacknowledged. */
  abandon(): void;
}

export interface ResenderOptions {
  socket: string;
  source: string;
  /** Events sent in one burst, and the pause after it. */
  burst: number;
  pauseMs: number;
  /** Maximum number of unacknowledged events. */
  window?: number;
  padding?: string;
}

const RETRY_MS = 50;

export function startResender(options: ResenderOptions): Resender {
  const { socket: path, source, burst, pauseMs, window = 2_000, padding = 'x'.repeat(120) } = options;
  let acked = -1;
  let sent = -1;
  let next = 0;
  let refusals = 0;
  let finishing = false;
  let left = false;
  let connection: Socket | undefined;

  const isOver = () => left || (finishing && acked === sent);

  const lineOf = (n: number) =>
    `${JSON.stringify({ type: n % 50 === 0 ? 'progress' : 'log', source, n, data: { message: `${source} ${n} ${padding}` } })}\n`;

  const onText = (text: string) => {
    const line = JSON.parse(text) as { ack?: { source: string; n: number }; error?: { retryable?: true } };
    if (line.ack) acked = Math.max(acked, line.ack.n);
    if (line.error) {
      refusals++;
      if (line.error.retryable) connection?.emit('refused');
    }
  };

  const serve = async () => {
    const socket = createConnection({ path });
    connection = socket;
    socket.on('error', () => undefined);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    try {
      await once(socket, 'connect');
    } catch {
      return;
    }
    let rest = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      lines.forEach(onText);
    });
    let retry: NodeJS.Timeout | undefined;
    socket.on('refused', () => {
      retry ??= setTimeout(() => {
        retry = undefined;
        next = acked + 1;
      }, RETRY_MS * 6);
    });
    socket.write(`${JSON.stringify({ op: 'hello', id: 1, ack: true })}\n`);
    next = acked + 1;
    while (!socket.destroyed && !isOver()) {
      const limit = Math.min(finishing ? sent : Infinity, acked + window, next + burst - 1);
      let text = '';
      for (; next <= limit; next++) text += lineOf(next);
      sent = Math.max(sent, next - 1);
      if (text && !socket.write(text))
        await Promise.race([new Promise((resolve) => socket.once('drain', resolve)), closed]);
      else await delay(pauseMs);
    }
    clearTimeout(retry);
    socket.destroy();
    await closed;
  };

  const done = (async () => {
    while (!isOver()) {
      await serve();
      await delay(RETRY_MS);
    }
  })();

  return {
    source,
    get acked() {
      return acked;
    },
    get sent() {
      return sent;
    },
    get refusals() {
      return refusals;
    },
    async finish() {
      finishing = true;
      await waitFor(`everything of ${source} to be acknowledged`, () => acked === sent);
      await done;
    },
    abandon() {
      left = true;
      connection?.destroy();
    },
  };
}
