/** A page's end of the hub: in a shared worker where the browser has them, else in the page itself. */
import { createHub } from './hub.js';
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
  const send = 'SharedWorker' in window && 'locks' in navigator ? toWorker(take) : toOwn(take);
  const lock = `page-${crypto.randomUUID()}`;
  // held until the page is gone; only a worker asks for it
  if ('locks' in navigator) void navigator.locks.request(lock, () => new Promise(() => {}));
  const token = rememberedToken();
  send({ kind: 'join', lock, ...(token !== undefined && { token }) });
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

function toWorker(take: (message: ToPage) => void): Send {
  const { port } = new SharedWorker(workerUrl() as string, { type: 'module', name: 'progress' });
  port.onmessage = ({ data }: MessageEvent<ToPage>) => take(data);
  return (message) => port.postMessage(message);
}

function toOwn(take: (message: ToPage) => void): Send {
  return createHub().join({ send: take });
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
