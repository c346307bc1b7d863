/**
 * The one stream that all pages of a browser share: a browser opens only six connections to a host, and each page needs
 * some for its own questions. Runs in a shared worker, or in the page where there are none.
 *
 * A browser opens six connections to a host, so one stream is shared among all pages, in a shared worker. A page first
 * has the hub follow, then asks for a snapshot, so that nothing is missed in between.
 */
import type { ExecutionEvent } from '../../src/core/event.js';
import { createMessageReader } from './sse.js';
import type { Message } from './sse.js';
import type { Wire, ToHub, ToPage } from './wire.js';

export interface Member {
  send(message: ToPage): void;
}

export interface Hub {
  join(member: Member): (message: ToHub) => void;
  leave(member: Member): void;
}

/** Silence for longer than two heartbeats of the daemon: the stream is dead, whatever the browser thinks. */
const SILENT_HEARTBEATS = 2.5;
/** Of a daemon that does not tell its own. */
const HEARTBEAT_MS = 10_000;
/** Something in between keeps the answer until it ends, if nothing comes within this time. */
const OPENING_MS = 5_000;
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 15_000;
/** Streams that opened and stayed silent, before asking again and again takes their place. */
const SILENT_STREAMS = 2;
const POLL_MS = 2_000;
/** While polling: a stream is tried again after so many polls. */
const POLLS_BEFORE_STREAM = 15;

interface Seat {
  execution?: string | undefined;
  /** Asks that are answered once the stream has what they want. */
  asks: number[];
}

export function createHub(fetchStream: typeof fetch = (...request) => fetch(...request)): Hub {
  const seats = new Map<Member, Seat>();
  let token: string | undefined;
  let position: number | undefined;
  let journal: string | undefined;
  let link: Wire = { state: 'connecting', heardAt: Date.now(), attempt: 0, clockOffset: 0 };
  let silent = 0;
  let polls = 0;
  let polling = false;
  let heartbeatMs = HEARTBEAT_MS;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let running: AbortController | undefined;
  /** What the open stream has details of, as text. */
  let detailed: string | undefined;

  const tellAll = (message: ToPage) => seats.forEach((_seat, member) => member.send(message));
  const setLink = (change: Partial<Wire>) => {
    const { retryAt: _before, ...rest } = link;
    link = { ...rest, ...change };
    tellAll({ kind: 'link', link });
  };

  const wantedDetails = () => [...new Set([...seats.values()].flatMap(({ execution }) => execution ?? []))].sort();

  const answerAsks = () => {
    if (position === undefined) return;
    for (const [member, seat] of seats) {
      for (const ask of seat.asks.splice(0)) member.send({ kind: 'ready', ask, position });
    }
  };

  const take = ({ event, id, data }: Message) => {
    const heardAt = Date.now();
    if (event === 'stream_open') open(JSON.parse(data) as Greeting, heardAt);
    else if (event === 'events') {
      const events = JSON.parse(data) as ExecutionEvent[];
      for (const [member, seat] of seats) {
        const own = events.filter((one) => !DETAILS.has(one.type) || one.execution === seat.execution);
        if (own.length > 0) member.send({ kind: 'events', events: own });
      }
    } else if (event === 'stream_gap' || event === 'stream_reset') tellAll({ kind: 'void' });
    if (id !== '' && event !== 'stream_open') position = Number(id);
    // told often enough for a clock that shows how old the values are, not with every message
    if (heardAt - link.heardAt > 1_000)
      setLink({ heardAt, ...(link.retryAt !== undefined && { retryAt: link.retryAt }) });
    else link.heardAt = heardAt;
  };

  const open = ({ journal: id, after, viewer, time, heartbeat = HEARTBEAT_MS }: Greeting, heardAt: number) => {
    heartbeatMs = heartbeat;
    if (journal !== undefined && journal !== id) tellAll({ kind: 'void' });
    journal = id;
    position = position === undefined ? after : Math.min(position, after);
    if (!polling) silent = 0;
    const state = polling ? 'polling' : 'live';
    setLink({ state, attempt: 0, heardAt, clockOffset: time - heardAt, ...(viewer !== undefined && { viewer }) });
    answerAsks();
  };

  const connect = () => {
    clearTimeout(timer);
    timer = undefined;
    running?.abort();
    if (token === undefined || seats.size === 0) return;
    const controller = new AbortController();
    running = controller;
    polling = silent >= SILENT_STREAMS && polls++ < POLLS_BEFORE_STREAM;
    if (!polling) polls = 0;
    void follow(controller).then(
      (outcome) => {
        if (running === controller) after(outcome);
      },
      () => {
        if (running === controller) after('failed');
      },
    );
  };

  const after = (outcome: Outcome) => {
    running = undefined;
    if (outcome === 'refused') {
      token = undefined;
      setLink({ state: 'refused' });
      return;
    }
    if (outcome === 'silent' && ++silent >= SILENT_STREAMS) {
      connect();
      return;
    }
    if (outcome === 'told') {
      timer = setTimeout(connect, POLL_MS);
      return;
    }
    const wait = Math.min(FIRST_RETRY_MS * 2 ** link.attempt, LAST_RETRY_MS) * (0.8 + Math.random() * 0.4);
    setLink({ state: 'lost', attempt: link.attempt + 1, retryAt: Date.now() + wait });
    timer = setTimeout(connect, wait);
  };

  /** `told`: a poll has got everything. `silent`: it opened and nothing came. */
  const follow = async (controller: AbortController): Promise<Outcome> => {
    const details = wantedDetails();
    detailed = details.join();
    const query = new URLSearchParams({ batches: '1', details: details.join() });
    if (position === undefined) query.set('last', '0');
    else query.set('after', String(position));
    if (journal !== undefined) query.set('journal', journal);
    if (polling) query.set('once', '1');
    const said = { anything: false };
    let patience = setTimeout(() => controller.abort(), OPENING_MS);
    try {
      const response = await fetchStream(`/stream/progress?${query.toString()}`, {
        headers: { Authorization: `Bearer ${token ?? ''}` },
        signal: controller.signal,
      });
      if (response.status === 401) return 'refused';
      if (!response.ok || !response.body) return 'failed';
      const read = createMessageReader((message) => {
        said.anything = true;
        if (running === controller) take(message);
      });
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return polling && said.anything ? 'told' : 'failed';
        clearTimeout(patience);
        read(value);
        patience = setTimeout(() => controller.abort(), SILENT_HEARTBEATS * heartbeatMs);
      }
    } catch {
      // refused at once is another thing than no answer
      return controller.signal.aborted && !said.anything && !polling ? 'silent' : 'failed';
    } finally {
      clearTimeout(patience);
    }
  };

  /** A stream that has what everybody wants goes on; otherwise another one begins where this one was. */
  const refresh = () => {
    if (running && detailed === wantedDetails().join() && link.state === 'live') answerAsks();
    else connect();
  };

  const leave = (member: Member) => {
    seats.delete(member);
    if (seats.size === 0) connect();
  };

  return {
    leave,
    join(member) {
      return (message) => {
        switch (message.kind) {
          case 'join':
            seats.set(member, { asks: [] });
            if (message.token !== undefined) token ??= message.token;
            if (token !== undefined) member.send({ kind: 'token', token });
            // nobody has let this browser in yet
            member.send({ kind: 'link', link: token === undefined ? { ...link, state: 'refused' } : link });
            if (!running && timer === undefined) connect();
            break;
          case 'token':
            token = message.token;
            tellAll({ kind: 'token', token });
            connect();
            break;
          case 'details': {
            const seat = seats.get(member);
            if (!seat) return;
            seat.execution = message.execution;
            seat.asks.push(message.ask);
            refresh();
            break;
          }
          case 'retry':
            if (link.state === 'lost') connect();
        }
      };
    },
  };
}

type Outcome = 'failed' | 'refused' | 'silent' | 'told';

interface Greeting {
  journal: string;
  after: number;
  viewer?: string;
  time: number;
  /** Milliseconds. */
  heartbeat?: number;
}

const DETAILS: ReadonlySet<string> = new Set(['output', 'log', 'activity']);
