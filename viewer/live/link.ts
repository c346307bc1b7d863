/** A page's end of the hub: in a shared worker where the browser has them, else in the page itself. */
import type { ToHub, ToPage } from './wire.js';

export interface HubLink {
  send(message: ToHub): void;
  /** Resolves with the position behind which everything comes, the details of this execution included. */
  follow(execution?: string): Promise<number>;
}

const TOKEN_KEY = 'token';

/** What the page knew before it was loaded again. */
export function rememberedToken(): string | undefined {
  return sessionStorage.getItem(TOKEN_KEY) ?? undefined;
}

export function rememberToken(token: string): void {
  sessionStorage.setItem(TOKEN_KEY, token);
}

export function openHub(onMessage: (message: ToPage) => void): HubLink {
  const asks = new Map<number, (position: number) => void>();
  let counter = 0;
  const take = (message: ToPage) => {
    if (message.kind !== 'ready') return onMessage(message);
    asks.get(message.ask)?.(message.position);
    asks.delete(message.ask);
  };
  const deliver = 'SharedWorker' in window && 'locks' in navigator ? toWorker(take) : toOwn(take);
  /** What is said before the hub knows us. */
  let waiting: ToHub[] | undefined = [];
  const send = (message: ToHub) => {
    if (waiting) waiting.push(message);
    else deliver(message);
  };
  const join = (lock: string) => {
    const token = rememberedToken();
    deliver({ kind: 'join', lock, ...(token !== undefined && { token }) });
    waiting?.forEach(deliver);
    waiting = undefined;
  };
  const lock = `page-${crypto.randomUUID()}`;
  // held until the page is gone, and before the hub can ask for it
  const hold = async () => {
    join(lock);
    await new Promise(() => {});
  };
  if ('locks' in navigator) void navigator.locks.request(lock, hold);
  else join(lock);
  return {
    send,
    follow(execution) {
      const ask = ++counter;
      const ready = new Promise<number>((resolve) => asks.set(ask, resolve));
      send({ kind: 'details', ask, ...(execution !== undefined && { execution }) });
      return ready;
    },
  };
}

type Send = (message: ToHub) => void;

/** Which build this page is of. */
export const BUILD = document.querySelector<HTMLMetaElement>('meta[name=build]')?.content ?? '';

function toWorker(take: (message: ToPage) => void): Send {
  // pages of another build have a worker of their own, which speaks as they do
  const { port } = new SharedWorker(workerUrl() as string, { type: 'module', name: `progress ${BUILD}` });
  port.onmessage = ({ data }: MessageEvent<ToPage>) => take(data);
  return (message) => port.postMessage(message);
}

/** Few browsers need it, so the others do not load it. */
function toOwn(take: (message: ToPage) => void): Send {
  const hub = import('./hub.js').then(({ createHub }) => createHub().join({ send: take }));
  return (message) => void hub.then((send) => send(message));
}

interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL: () => string }): { createScriptURL(url: string): unknown };
}

/** The one address of a script that the page ever makes, as browsers with trusted types want it. */
function workerUrl(): unknown {
  const url = '/assets/hub.js';
  const { trustedTypes } = window as { trustedTypes?: TrustedTypes };
  return trustedTypes
    ? trustedTypes.createPolicy('progress', { createScriptURL: () => url }).createScriptURL(url)
    : url;
}
