/** A page's connection to the hub: to the shared worker where the browser has them, otherwise to a hub in the page. */
import type { ToHub, ToPage } from './hub-messages.js';

const TOKEN_KEY = 'token';

/** Returns the token that this page had before it was reloaded. */
export function rememberedToken(): string | undefined {
  return sessionStorage.getItem(TOKEN_KEY) ?? undefined;
}

export function rememberToken(token: string): void {
  sessionStorage.setItem(TOKEN_KEY, token);
}

/** Identifies the build of this page. */
export const BUILD = document.querySelector<HTMLMetaElement>('meta[name=build]')?.content ?? '';

type Send = (message: ToHub) => void;

export class HubLink {
  readonly #onMessage: (message: ToPage) => void;
  readonly #deliver: Send;
  /** Messages sent before the page has joined. */
  #early: ToHub[] | undefined = [];
  readonly #ready = new Map<number, (position: number) => void>();
  #lastRequest = 0;

  constructor(onMessage: (message: ToPage) => void) {
    this.#onMessage = onMessage;
    const hasWorkers = 'SharedWorker' in window && 'locks' in navigator;
    const take = (message: ToPage) => this.#take(message);
    this.#deliver = hasWorkers ? connectWorker(take) : createOwnHub(take);
    this.#joinWithLock(`page-${crypto.randomUUID()}`);
  }

  send(message: ToHub): void {
    if (this.#early) this.#early.push(message);
    else this.#deliver(message);
  }

  /** Requests the details of this execution. @returns The position after which every event is delivered. */
  async follow(execution?: string): Promise<number> {
    const request = ++this.#lastRequest;
    const ready = new Promise<number>((resolve) => this.#ready.set(request, resolve));
    this.send({ kind: 'follow', request, ...(execution !== undefined && { execution }) });
    return await ready;
  }

  #take(message: ToPage): void {
    if (message.kind !== 'ready') return this.#onMessage(message);
    this.#ready.get(message.request)?.(message.position);
    this.#ready.delete(message.request);
  }

  /** The lock is acquired before the hub can request it, and held until the page closes. */
  #joinWithLock(lock: string): void {
    if (!('locks' in navigator)) return this.#join(lock);
    void navigator.locks.request(lock, async () => {
      this.#join(lock);
      await new Promise(() => {});
    });
  }

  #join(lock: string): void {
    const token = rememberedToken();
    this.#deliver({ kind: 'join', lock, ...(token !== undefined && { token }) });
    this.#early?.forEach(this.#deliver);
    this.#early = undefined;
  }
}

function connectWorker(take: (message: ToPage) => void): Send {
  // the name keeps pages of different builds apart, whose messages may differ
  const { port } = new SharedWorker(workerUrl() as string, { type: 'module', name: `progress ${BUILD}` });
  port.onmessage = ({ data }: MessageEvent<ToPage>) => take(data);
  return (message) => port.postMessage(message);
}

/** Loads the hub into the page. Imported dynamically, since few browsers need it. */
function createOwnHub(take: (message: ToPage) => void): Send {
  const joined = import('./hub.js').then(({ Hub }) => new Hub().join({ send: take }));
  return (message) => void joined.then((send) => send(message));
}

interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL: () => string }): { createScriptURL(url: string): unknown };
}

/** Returns the URL of the worker, as a trusted value where the browser requires that. It is the only one of a script. */
function workerUrl(): unknown {
  const url = '/assets/hub.js';
  const { trustedTypes } = window as { trustedTypes?: TrustedTypes };
  return trustedTypes
    ? trustedTypes.createPolicy('progress', { createScriptURL: () => url }).createScriptURL(url)
    : url;
}
