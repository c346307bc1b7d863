import type { EventData } from '../core/events/event.js';

/** Records an event of the run: buffered, or at once with `now`. */
export type Emit = (type: string, data: EventData, now?: 'now') => void;
