import type { EventData } from '../core/event.js';

/** Writes an event of the run, soon or at once. */
export type Emit = (type: string, data: EventData, now?: 'now') => void;
