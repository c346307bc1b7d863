/** The queues: slots, what runs, what waits in which order. */
import { ProgressError } from '../../core/base/errors.js';
import type { QueueView } from '../../core/state/queues.js';
import { formatQuantity } from '../../core/text/format.js';
import { cleanText, ellipsisOf, paint, separatorOf } from '../paint.js';
import type { Style } from '../style.js';
import { truncate } from '../width.js';
import type { ActionContext } from './actions.js';
import type { KeyBinding, Page, PageSize } from './page.js';
import { clamp, movement, scrollTo } from './scroll.js';

/** A queue, or an execution in it. */
interface Item {
  queue: QueueView;
  id?: string;
  /** Of one that waits, from 1 on. */
  position?: number;
  isRunning?: boolean;
}

const REFRESH_MS = 1_000;

export interface QueuesPageOptions {
  context: ActionContext;
  open: (id: string) => void;
  onChange: () => void;
}

export class QueuesPage implements Page {
  readonly #options: QueuesPageOptions;
  #queues: readonly QueueView[] = [];
  #readAt = -Infinity;
  #isReading = false;
  #isRead = false;
  #selected = 0;
  #first = 0;
  #rows = 1;

  constructor(options: QueuesPageOptions) {
    this.#options = options;
  }

  lines({ columns, rows }: PageSize, style: Style): string[] {
    void this.#refresh();
    this.#rows = rows;
    const items = this.#items();
    if (items.length === 0) {
      const text = this.#isRead ? 'No queues. Start one: progress run --queue build -- make' : 'Reading the queues';
      return [paint(text, 'dim', style)];
    }
    this.#selected = clamp(this.#selected, 0, items.length - 1);
    this.#first = scrollTo(this.#selected, this.#first, rows, items.length);
    return items.slice(this.#first, this.#first + rows).map((item, index) => {
      const isSelected = this.#first + index === this.#selected;
      const cursor = isSelected ? paint(style.ascii ? '> ' : '❯ ', 'strong', style) : '  ';
      return truncate(cursor + this.#itemText(item, style), columns, ellipsisOf(style));
    });
  }

  bindings(): readonly KeyBinding[] {
    const item = () => this.#items()[this.#selected];
    return [
      { keys: ['enter'], help: 'Open the execution', when: () => item()?.id !== undefined, run: () => this.#open() },
      { keys: ['p'], help: 'Pause or resume the queue', footer: 'pause', run: () => this.#togglePause() },
      { keys: ['+'], help: 'Add a slot', footer: 'slot', run: () => this.#changeSlots(1) },
      { keys: ['-'], help: 'Remove a slot', run: () => this.#changeSlots(-1) },
    ];
  }

  onText(key: string): boolean {
    const delta = movement(key, this.#rows);
    if (delta === undefined) return false;
    this.#selected = clamp(this.#selected + delta, 0, Math.max(0, this.#items().length - 1));
    return true;
  }

  #items(): Item[] {
    return this.#queues.flatMap((queue): Item[] => [
      { queue },
      ...queue.running.map((id) => ({ queue, id, isRunning: true })),
      ...queue.waiting.map((id, index) => ({ queue, id, position: index + 1 })),
    ]);
  }

  #itemText({ queue, id, position, isRunning }: Item, style: Style): string {
    if (id === undefined) {
      const parts = [
        formatQuantity(queue.slots, 'slot'),
        `${queue.running.length} running`,
        `${queue.waiting.length} waiting`,
        ...(queue.paused ? [paint('paused', 'warn', style)] : []),
      ];
      return `${paint(cleanText(queue.name), 'strong', style)}  ${parts.join(separatorOf(style))}`;
    }
    const name = cleanText(this.#options.context.source.find(id)?.name ?? id);
    return `  ${isRunning ? paint('running', 'active', style) : `#${position}`}  ${name}`;
  }

  async #refresh(): Promise<void> {
    if (this.#isReading || Date.now() - this.#readAt < REFRESH_MS) return;
    this.#isReading = true;
    const { context, onChange } = this.#options;
    try {
      this.#queues = await context.source.queues();
      this.#isRead = true;
    } catch (error) {
      context.report(ProgressError.from(error).message, true);
    }
    this.#readAt = Date.now();
    this.#isReading = false;
    onChange();
  }

  #open(): void {
    const id = this.#items()[this.#selected]?.id;
    if (id !== undefined) this.#options.open(id);
  }

  #togglePause(): void {
    const queue = this.#items()[this.#selected]?.queue;
    if (queue) this.#change(() => this.#options.context.source.setQueue(queue.name, { paused: !queue.paused }));
  }

  #changeSlots(delta: number): void {
    const queue = this.#items()[this.#selected]?.queue;
    if (!queue || queue.slots + delta < 1) return;
    this.#change(() => this.#options.context.source.setQueue(queue.name, { slots: queue.slots + delta }));
  }

  #change(task: () => Promise<void>): void {
    task().then(
      () => {
        this.#readAt = -Infinity;
        this.#options.onChange();
      },
      (error: unknown) => this.#options.context.report(ProgressError.from(error).message, true),
    );
  }
}
