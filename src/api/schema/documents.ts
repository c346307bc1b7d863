/** The machine-readable forms of the contract. The build writes them to `dist/schema`; `progress schema` prints them. */
import { eventsDocument } from './event-schema.js';
import type { Definitions } from './json-schema.js';
import { httpDocument } from './openapi.js';
import { protocolDocument } from './protocol-schema.js';

/** Types whose schemas the documents need, generated from these files. */
export const SOURCES = 'src/{api/{replies,messages,http-replies},core/{events/{event-data,event},execution}}.ts';
export const TYPES = [
  ...['Replies', 'EventsPush', 'GapPush', 'ResetPush', 'PositionPush', 'Ack', 'Duplicate'],
  ...['ErrorJson', 'ExecutionEvent', 'EventDataByType', 'HttpError', 'StreamOpen', 'SessionReply', 'HealthReply'],
];

/** @param generated JSON Schemas of TYPES and of all types that they refer to. */
export function documents(generated: Definitions) {
  return {
    http: httpDocument(generated),
    events: eventsDocument(generated),
    protocol: protocolDocument(generated),
  };
}
