/** What pages and the hub that they share say to each other. */
import type { ExecutionEvent } from '../../src/core/event.js';

export type LinkState = 'connecting' | 'live' | 'polling' | 'lost' | 'refused';

/** How the one stream is. Times are milliseconds since 1970 by this machine's clock. */
export interface Wire {
  state: LinkState;
  /** Since when the values are as they are: the last word from the daemon. */
  heardAt: number;
  attempt: number;
  /** When it is tried again. */
  retryAt?: number;
  /** Which build of the page the daemon has. */
  viewer?: string;
  /** What to add to this machine's clock to get the daemon's. */
  clockOffset: number;
}

export type ToHub =
  /** `lock` is held as long as the page lives; `token` if the page has one. */
  | { kind: 'join'; lock: string; token?: string }
  | { kind: 'token'; token: string }
  /** From now on what this execution writes is wanted too, or none's. Answered by `ready`. */
  | { kind: 'details'; ask: number; execution?: string }
  | { kind: 'retry' };

export type ToPage =
  | { kind: 'token'; token: string }
  | { kind: 'link'; link: Wire }
  /** Everything behind this position follows. */
  | { kind: 'ready'; ask: number; position: number }
  | { kind: 'events'; events: ExecutionEvent[] }
  /** Something is missing, or the journal is another one: ask how things stand. */
  | { kind: 'void' };
