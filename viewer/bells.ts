/** Notifications of the browser, for executions that somebody marked; once, however many pages are open. */
import type { Execution } from '../src/core/execution.js';
import { isFinal } from '../src/core/execution.js';
import { formatOutcome } from '../src/core/format.js';
import type { Model } from './live/model.js';

export interface Bells {
  has(id: string): boolean;
  /** Asks for permission if that was never asked: so it is called on a click only. */
  toggle(id: string): Promise<void>;
  /** Looks for what has ended, or needs somebody. */
  check(model: Model): void;
}

const KEY = 'bells';
/** Marked ones that are remembered; the oldest goes. */
const MAX_BELLS = 100;

export function createBells(onChange: () => void, announce: (text: string) => void): Bells {
  /** What was told of each marked one, so that a change is told once. */
  const read = () => JSON.parse(localStorage.getItem(KEY) ?? '[]') as string[];
  const write = (ids: string[]) => localStorage.setItem(KEY, JSON.stringify(ids.slice(-MAX_BELLS)));
  let marked = new Set(read());
  const said = new Map<string, string>();
  // another page has changed it
  addEventListener('storage', ({ key }) => {
    if (key !== KEY) return;
    marked = new Set(read());
    onChange();
  });

  const tell = async (execution: Execution, what: string) => {
    // whoever gets the lock first tells it, and leaves word
    await navigator.locks.request(`bell-${execution.id}-${what}`, { ifAvailable: true }, async (lock) => {
      const key = `told-${execution.id}`;
      if (!lock || sessionless(key) === what) return;
      localStorage.setItem(key, what);
      const notification = new Notification(execution.name, { body: what, tag: `progress-${execution.id}` });
      notification.onclick = () => {
        window.focus();
        location.assign(`/executions/${encodeURIComponent(execution.id)}`);
      };
      // others that look at the same moment must find the lock taken
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      if (isFinal(execution.status)) localStorage.removeItem(key);
    });
  };
  const sessionless = (key: string) => localStorage.getItem(key) ?? undefined;

  return {
    has: (id) => marked.has(id),
    async toggle(id) {
      if (marked.has(id)) marked.delete(id);
      else {
        if (!('Notification' in window)) return announce('This browser shows no notifications');
        if (Notification.permission === 'default') await Notification.requestPermission();
        if (Notification.permission !== 'granted') return announce('Notifications are not allowed for this page');
        marked.add(id);
      }
      write([...marked]);
      onChange();
    },
    check(model) {
      if (marked.size === 0 || !('Notification' in window) || Notification.permission !== 'granted') return;
      for (const id of marked) {
        const execution = model.find(id);
        if (!execution) continue;
        const what = reportOf(execution);
        if (what === undefined || said.get(id) === what) continue;
        said.set(id, what);
        void tell(execution, what);
        if (!isFinal(execution.status)) continue;
        marked.delete(id);
        write([...marked]);
      }
    },
  };
}

function reportOf({ status, attention, attentionReason, durationMs }: Execution): string | undefined {
  if (isFinal(status)) return formatOutcome(status, durationMs);
  if (attention !== 'waiting') return undefined;
  return attentionReason === undefined ? 'needs you' : `needs you: ${attentionReason}`;
}
