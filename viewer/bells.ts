/** Browser notifications about executions that the user has marked. Each is shown once, however many pages are open. */
import type { Execution } from '../src/core/execution.js';
import { isFinal } from '../src/core/execution.js';
import { formatOutcome } from '../src/core/text/format.js';
import type { Model } from './live/model.js';
import { pathOf } from './route.js';

const KEY = 'bells';
/** Marked executions that are stored; beyond it the oldest are evicted. */
const MAX_BELLS = 100;
/** Time for which the lock of a notification is held, so that the other pages find it taken. */
const LOCK_MS = 1_000;

export class Bells {
  readonly #onChange: () => void;
  readonly #announce: (text: string) => void;
  #marked = readMarked();
  /** The last report of each marked execution, by ID. */
  readonly #reported = new Map<string, string>();

  constructor(onChange: () => void, announce: (text: string) => void) {
    this.#onChange = onChange;
    this.#announce = announce;
    // another page changed the marks
    addEventListener('storage', ({ key }) => {
      if (key !== KEY) return;
      this.#marked = readMarked();
      this.#onChange();
    });
  }

  has(id: string): boolean {
    return this.#marked.has(id);
  }

  /** Marks or unmarks an execution. Requests the permission if needed, which browsers allow on a click only. */
  async toggle(id: string): Promise<void> {
    if (this.#marked.has(id)) this.#marked.delete(id);
    else {
      if (!('Notification' in window)) return this.#announce('This browser shows no notifications');
      if (Notification.permission === 'default') await Notification.requestPermission();
      if (Notification.permission !== 'granted') return this.#announce('Notifications are not allowed for this page');
      this.#marked.add(id);
    }
    this.#store();
    this.#onChange();
  }

  /** Notifies about marked executions that have ended or need the user. */
  check(model: Model): void {
    if (this.#marked.size === 0 || !('Notification' in window) || Notification.permission !== 'granted') return;
    for (const id of this.#marked) {
      const execution = model.find(id);
      if (execution) this.#report(execution);
    }
  }

  #report(execution: Execution): void {
    const { id, status } = execution;
    const report = reportOf(execution);
    if (report === undefined || this.#reported.get(id) === report) return;
    this.#reported.set(id, report);
    void notifyOnce(execution, report);
    if (!isFinal(status)) return;
    this.#marked.delete(id);
    this.#store();
  }

  #store(): void {
    localStorage.setItem(KEY, JSON.stringify([...this.#marked].slice(-MAX_BELLS)));
  }
}

function readMarked(): Set<string> {
  return new Set(JSON.parse(localStorage.getItem(KEY) ?? '[]') as string[]);
}

/** Of all pages, the first that gets the lock notifies; the others find its report in the storage. */
async function notifyOnce(execution: Execution, report: string): Promise<void> {
  await navigator.locks.request(`bell-${execution.id}-${report}`, { ifAvailable: true }, async (lock) => {
    const key = `notified-${execution.id}`;
    if (!lock || localStorage.getItem(key) === report) return;
    localStorage.setItem(key, report);
    const notification = new Notification(execution.name, { body: report, tag: `progress-${execution.id}` });
    notification.onclick = () => {
      window.focus();
      location.assign(pathOf(execution.id));
    };
    await new Promise((resolve) => setTimeout(resolve, LOCK_MS));
    if (isFinal(execution.status)) localStorage.removeItem(key);
  });
}

function reportOf({ status, attention, durationMs }: Execution): string | undefined {
  if (isFinal(status)) return formatOutcome(status, durationMs);
  if (attention?.state !== 'waiting') return undefined;
  return attention.reason === undefined ? 'needs you' : `needs you: ${attention.reason}`;
}
