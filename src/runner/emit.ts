import type { EventData } from '../core/event.js';

/** Records an event of the run: buffered, or at once with `now`. */
export type Emit = (type: string, data: EventData, now?: 'now') => void;
