/** The queues: slots, what runs, what waits in which order. */
import { ProgressError } from '../../core/base/errors.js';
import { elapsedOf, parseInstant } from '../../core/estimates/durations.js';
import type { Execution } from '../../core/execution.js';
import type { QueueView } from '../../core/state/queues.js';
import { formatAge, formatDuration, formatQuantity, statusMark } from '../../core/text/format.js';
import { cleanText, ellipsisOf, paint, separatorOf } from '../paint.js';
import type { Style } from '../style.js';
import { alignRight, cellsOf, fit, truncate } from '../width.js';
import type { ActionContext } from './actions.js';
import type { KeyBinding, Page, PageSize } from './page.js';
import { clamp, movement, scrollTo } from './scroll.js';

/** A queue, or an execution in it. */
interface Item {
  queue: QueueView;
  id?: string;
  /** Of one that waits, from 1 on. */
  position?: number;
}

const REFRESH_MS = 1_000;
const PLACE_CELLS = 3;
const TIME_CELLS = 12;

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
  /** Why the queues could not be read. */
  #failure: string | undefined;
  /** Changes that the daemon has not answered yet; until then what is shown is ahead of what it knows. */
  #pending = 0;
  #changes: Promise<void> = Promise.resolve();
  #isRead = false;
  /** The queue or the execution that is selected, and its row, for when it leaves the list. */
  #selectedKey: string | undefined;
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
      return [this.#failure === undefined ? paint(text, 'dim', style) : paint(cleanText(this.#failure), 'bad', style)];
    }
    this.#keepSelection(items);
    this.#first = scrollTo(this.#selected, this.#first, rows, items.length);
    return items.slice(this.#first, this.#first + rows).map((item, index) => {
      const isSelected = this.#first + index === this.#selected;
      const cursor = isSelected ? paint(style.ascii ? '> ' : '❯ ', 'strong', style) : '  ';
      return cursor + this.#itemText(item, columns - cellsOf(cursor), style);
    });
  }

  bindings(): readonly KeyBinding[] {
    const item = () => this.#items()[this.#selected];
    const canMove = (delta: number) => {
      const { position, queue } = item() ?? {};
      return position !== undefined && position + delta >= 1 && position + delta <= (queue?.waiting.length ?? 0);
    };
    return [
      { keys: ['enter'], help: 'Open the execution', when: () => item()?.id !== undefined, run: () => this.#open() },
      {
        keys: ['K', '<'],
        ...{ help: 'Start the waiting run earlier', footer: 'earlier' },
        when: () => canMove(-1),
        run: () => this.#move(-1),
      },
      {
        keys: ['J', '>'],
        ...{ help: 'Start the waiting run later', footer: 'later' },
        when: () => canMove(1),
        run: () => this.#move(1),
      },
      { keys: ['p'], help: 'Pause or resume the queue', footer: 'pause', run: () => this.#togglePause() },
      { keys: ['+'], help: 'Add a slot', footer: 'slot', run: () => this.#changeSlots(1) },
      { keys: ['-'], help: 'Remove a slot', run: () => this.#changeSlots(-1) },
    ];
  }

  onText(key: string): boolean {
    const delta = movement(key, this.#rows);
    if (delta === undefined) return false;
    this.#select(this.#selected + delta);
    return true;
  }

  onMouse({ row, delta }: { row: number; delta: number }): void {
    this.#select(delta === 0 ? this.#first + row : this.#selected + delta);
  }

  #select(index: number): void {
    const items = this.#items();
    this.#selected = clamp(index, 0, Math.max(0, items.length - 1));
    this.#selectedKey = keyOf(items[this.#selected]);
  }

  /** The selection stays on its queue or execution while others come and go. */
  #keepSelection(items: readonly Item[]): void {
    const index = items.findIndex((item) => keyOf(item) === this.#selectedKey);
    this.#select(index === -1 ? this.#selected : index);
  }

  #items(): Item[] {
    return this.#queues.flatMap((queue): Item[] => [
      { queue },
      ...queue.running.map((id) => ({ queue, id })),
      ...queue.waiting.map((id, index) => ({ queue, id, position: index + 1 })),
    ]);
  }

  #itemText({ queue, id, position }: Item, columns: number, style: Style): string {
    if (id === undefined) {
      const parts = [
        formatQuantity(queue.slots, 'slot'),
        `${queue.running.length} running`,
        `${queue.waiting.length} waiting`,
        ...(queue.paused ? [paint('paused', 'warn', style)] : []),
      ];
      const text = `${paint(cleanText(queue.name), 'strong', style)}  ${parts.join(separatorOf(style))}`;
      return truncate(text, columns, ellipsisOf(style));
    }
    const { source } = this.#options.context;
    const execution = source.find(id);
    const isPaused = execution?.status === 'paused';
    const place = position === undefined ? statusMark(isPaused ? 'paused' : 'running', style.ascii) : `${position}`;
    const lead = `  ${paint(alignRight(place, PLACE_CELLS), position === undefined ? 'active' : 'dim', style)}  `;
    const time = alignRight(execution ? timeInQueue(execution, source.now()) : '', TIME_CELLS);
    const cells = Math.max(1, columns - cellsOf(lead) - TIME_CELLS - 1);
    return `${lead}${fit(cleanText(execution?.name ?? id), cells, ellipsisOf(style))} ${paint(time, 'dim', style)}`;
  }

  async #refresh(): Promise<void> {
    if (this.#isReading || this.#pending > 0 || Date.now() - this.#readAt < REFRESH_MS) return;
    this.#isReading = true;
    const { context, onChange } = this.#options;
    try {
      const queues = await context.source.queues();
      // an answer from before a change would undo it on the screen
      if (this.#pending === 0) this.#queues = queues;
      this.#isRead = true;
      this.#failure = undefined;
    } catch (error) {
      this.#failure = ProgressError.from(error).message;
    }
    this.#readAt = Date.now();
    this.#isReading = false;
    onChange();
  }

  #open(): void {
    const id = this.#items()[this.#selected]?.id;
    if (id !== undefined) this.#options.open(id);
  }

  #move(delta: number): void {
    const { queue, id, position } = this.#items()[this.#selected] ?? {};
    if (queue === undefined || id === undefined || position === undefined) return;
    const next = clamp(position + delta, 1, queue.waiting.length);
    if (next === position) return;
    // shown at once, so that the next key moves it on from there
    const waiting = queue.waiting.filter((other) => other !== id);
    const moved = { ...queue, waiting: [...waiting.slice(0, next - 1), id, ...waiting.slice(next - 1)] };
    this.#queues = this.#queues.map((one) => (one === queue ? moved : one));
    this.#keepSelection(this.#items());
    this.#change(() => this.#options.context.source.moveInQueue(id, next));
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

  /** Changes take effect in the order of their keys. */
  #change(task: () => Promise<void>): void {
    this.#pending += 1;
    this.#changes = this.#changes
      .then(task)
      .catch((error: unknown) => this.#options.context.report(ProgressError.from(error).message, true))
      .then(() => {
        this.#pending -= 1;
        this.#readAt = -Infinity;
        this.#options.onChange();
      });
  }
}

function keyOf(item: Item | undefined): string | undefined {
  return item?.id ?? (item && `queue ${item.queue.name}`);
}

/** `1:04` of one that runs, `waits 1:04` of one that waits. */
function timeInQueue(execution: Execution, now: number): string {
  const queued = parseInstant(execution.queuedAt);
  if (execution.status === 'queued') return queued === undefined ? '' : `waits ${formatAge(now - queued)}`;
  const elapsed = elapsedOf(execution, now);
  return elapsed === undefined ? '' : formatDuration(elapsed);
}
