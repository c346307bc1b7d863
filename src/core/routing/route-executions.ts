/** Overlays the executions of routed events that are not folded yet on those of the state. */
import type { NewEvent } from '../events/event.js';
import { executionEndOf } from '../events/event.js';
import type { AliasFamily } from '../events/event-alias-table.js';
import { aliasFamilyOf } from '../events/event-alias-table.js';
import { isFinal } from '../execution.js';
import { nameIn } from '../fold/start.js';
import { nextGeneration } from '../state/generations.js';
import { STARTS } from '../events/event.js';
import { findByText } from '../lists/lookup.js';
import type { State } from '../state/state.js';
import { findExecution } from '../state/state.js';

export class ExecutionOverlay {
  readonly #state: State;
  /** Event formats of the executions that routed events created or started. */
  readonly #fresh = new Map<string, AliasFamily | undefined>();
  /** Whether an execution has ended, of those that routed events started or ended. */
  readonly #ended = new Map<string, boolean>();
  readonly #successors = new Map<string, string>();
  /** Names of all executions that events were routed to. */
  readonly #names = new Map<string, string>();
  /** Executions started by each producer. */
  readonly #opened = new Map<string, string[]>();

  constructor(state: State) {
    this.#state = state;
  }

  isKnown(id: string): boolean {
    return this.#fresh.has(id) || findExecution(this.#state, id) !== undefined;
  }

  /** Whether its start was observed. If not, a start after its end is a late one, and begins no other generation. */
  isStarted(id: string): boolean {
    if (this.#ended.has(id)) return true;
    const execution = findExecution(this.#state, id);
    return execution !== undefined && execution.implicit === undefined;
  }

  /** Whether its start and its end were observed, so that another start begins the next generation. */
  isOver(id: string): boolean {
    return this.#ended.get(id) ?? (this.isStarted(id) && this.isClosed(id));
  }

  /** Whether it has ended, also without an observed start. */
  isClosed(id: string): boolean {
    const ended = this.#ended.get(id);
    if (ended !== undefined) return ended;
    const execution = findExecution(this.#state, id);
    return execution !== undefined && isFinal(execution.status);
  }

  vocabularyOf(id: string): AliasFamily | undefined {
    return this.#fresh.get(id) ?? findExecution(this.#state, id)?.producer?.vocabulary;
  }

  /** Returns the newest generation of an ID. */
  newest(id: string): string {
    const successor = this.#successors.get(id) ?? findExecution(this.#state, id)?.successor;
    return successor === undefined ? id : this.newest(successor);
  }

  /** Begins the next generation of an ID. */
  succeed(id: string): string {
    const next = nextGeneration(id);
    this.#successors.set(id, next);
    return next;
  }

  /** Returns the open executions that a producer started, the newest last. */
  openOf(producer: string): string[] {
    const ids = [...(this.#state.sources.get(producer)?.open ?? []), ...(this.#opened.get(producer) ?? [])];
    return ids.filter((id) => !this.isOver(id));
  }

  /** Returns the open executions of an event format, by any producer. */
  openIn(vocabulary: AliasFamily): string[] {
    const ids = new Set([...this.#state.alive.keys(), ...this.#fresh.keys()]);
    return [...ids].filter((id) => this.vocabularyOf(id) === vocabulary && !this.isClosed(id));
  }

  /** Finds an execution by ID, name or unique prefix. An unknown or ambiguous text is returned as an ID, without guessing. */
  lookUp(text: string): string {
    const state = this.#state;
    if (this.#names.has(text) || findExecution(state, text)) return text;
    const routed = [...this.#names].map(([id, name], index) => ({
      id,
      name,
      firstSeq: findExecution(state, id)?.firstSeq ?? state.seq + 1 + index,
    }));
    const known = [state.summaries, state.ended, state.alive].flatMap((map) => [...map.values()]);
    const found = findByText([...known.filter(({ id }) => !this.#names.has(id)), ...routed], text);
    return found && 'execution' in found ? found.execution.id : text;
  }

  /** Records that an event was routed to an execution. @param producer Name of the producer, if it has one. */
  note(execution: string, { type, data }: NewEvent, producer: string | undefined): void {
    const isStart = STARTS.has(type);
    if (isStart || !this.isKnown(execution)) this.#fresh.set(execution, aliasFamilyOf(data));
    const name = isStart ? nameIn(data) : undefined;
    if (name !== undefined) this.#names.set(execution, name);
    else if (!this.#names.has(execution))
      this.#names.set(execution, findExecution(this.#state, execution)?.name ?? execution);
    if (isStart) {
      this.#ended.set(execution, false);
      if (producer !== undefined) this.#open(execution, producer);
    } else if (executionEndOf(type) !== undefined && this.isStarted(execution)) this.#ended.set(execution, true);
  }

  /** Forgets the routed events, once they are folded or dropped. */
  clear(): void {
    for (const map of [this.#fresh, this.#ended, this.#successors, this.#names, this.#opened]) map.clear();
  }

  #open(execution: string, producer: string): void {
    const ids = this.#opened.get(producer);
    if (ids) ids.push(execution);
    else this.#opened.set(producer, [execution]);
  }
}
