/** Folds what routing needs to know of producers: the counter of each and the executions that it has open. */
import type { ExecutionEvent } from '../events/event.js';
import { STARTS } from '../events/event.js';
import type { Execution } from '../execution.js';
import { isFinal } from '../execution.js';
import type { State } from '../state/state.js';
import { rememberSource } from '../state/state.js';

/** Open executions remembered per source, for routing; older ones stay open but are no longer its default. */
const OPEN_PER_SOURCE = 16;

/** Notes an event under the names of its producer: the source, and the nearest sender. */
export function noteProducers(state: State, event: ExecutionEvent, execution: Execution | undefined): void {
  const sender = event.sender?.[0];
  if (event.source !== undefined) noteProducer(state, event, event.source, execution);
  if (sender !== undefined) noteProducer(state, event, sender, execution);
}

function noteProducer(state: State, event: ExecutionEvent, name: string, execution: Execution | undefined): void {
  const starts = execution !== undefined && !isFinal(execution.status) && STARTS.has(event.type);
  const counts = event.n !== undefined && name === event.source;
  let source = state.sources.get(name);
  if (!source) {
    // nothing to remember of a source that has no counter and starts nothing
    if (!counts && !starts) return;
    source = { n: -1, open: [], firstSeq: event.seq, lastSeq: event.seq, time: event.time };
    rememberSource(state, name, source);
  }
  source.lastSeq = event.seq;
  source.time = event.time;
  if (counts) source.n = event.n ?? source.n;
  if (starts && !source.open.includes(execution.id)) {
    source.open.push(execution.id);
    if (source.open.length > OPEN_PER_SOURCE) source.open.shift();
  }
}

/** Removes an ended execution from its producers; forgets those without counter and open executions. */
export function closeAtProducers(state: State, execution: Execution, event: ExecutionEvent): void {
  const { source, sender } = execution.producer ?? {};
  for (const name of new Set([source, event.source, sender])) {
    if (name !== undefined) closeAt(state, name, execution.id);
  }
}

function closeAt(state: State, name: string, id: string): void {
  const source = state.sources.get(name);
  if (!source) return;
  source.open = source.open.filter((open) => open !== id);
  if (source.n === -1 && source.open.length === 0) state.sources.delete(name);
}
