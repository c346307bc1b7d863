/** The JSON Schema of events, as producers write them and as the journal holds them. */
import { EVENT_TYPES } from '../../core/events/event.js';
import type { ExecutionEvent, NewEvent } from '../../core/events/event.js';
import type { JsonSchema } from '../fields.js';
import { type Definitions, DIALECT, pascalCase, toDraft2020 } from './json-schema.js';

/** Fields between producers and the daemon that the journal does not hold. */
const UNRECORDED: readonly (keyof NewEvent)[] = ['lookup', 'inherited', 'exact'];

const RECORDED: readonly (keyof ExecutionEvent)[] = ['seq', 'time', 'type', 'data'];

export function eventsDocument(generated: Definitions): JsonSchema {
  const definitions = toDraft2020(generated, '#/$defs/');
  const shapes = propertiesOf(definitions['EventDataByType']);
  const names = EVENT_TYPES.map((type) => [type, `${pascalCase(type)}Data`] as const);
  return {
    $schema: DIALECT,
    title: 'Events of progress',
    description:
      'An event as a producer writes it, or as the journal holds it: then with seq and time, see JournalEvent. Events of other types, and other fields, are allowed.',
    ...withData(producedEvent(definitions), names),
    $defs: {
      JournalEvent: { allOf: [{ $ref: '#' }, { required: RECORDED }] },
      ...Object.fromEntries(names.map(([type, name]) => [name, shapes[type]])),
      ...referencedFrom(shapes, definitions),
    },
  };
}

/** An event as a producer writes it: only its type is required. */
export function producedEvent(definitions: Definitions): JsonSchema {
  const event = { type: 'string', description: 'Type, for producers that do not write `type`.' };
  const data = { type: 'object', description: 'Payload; its fields may also be next to those of the envelope.' };
  return {
    type: 'object',
    properties: { ...envelopeOf(definitions), data, event },
    anyOf: [{ required: ['type'] }, { required: ['event'] }],
  };
}

/** An event as the journal holds it, with any data. */
export function recordedEvent(definitions: Definitions): JsonSchema {
  return { type: 'object', properties: envelopeOf(definitions), required: RECORDED };
}

function envelopeOf(definitions: Definitions): Readonly<Record<string, unknown>> {
  const entries = Object.entries(propertiesOf(definitions['ExecutionEvent']));
  return Object.fromEntries([
    ...entries.filter(([key]) => !UNRECORDED.some((name) => name === key)),
    ['data', { type: 'object', description: 'Payload.' }],
  ]);
}

/** Adds the data by type: `if` the type is that one, `then` its data has this shape. */
function withData(envelope: JsonSchema, names: readonly (readonly [type: string, name: string])[]): JsonSchema {
  const allOf = names.map(([type, name]) => ({
    if: { properties: { type: { const: type } }, required: ['type'] },
    // oxlint-disable-next-line unicorn/no-thenable
    then: { properties: { data: { $ref: `#/$defs/${name}` } } },
  }));
  return { ...envelope, allOf };
}

function propertiesOf(schema: JsonSchema | undefined): Readonly<Record<string, JsonSchema>> {
  return (schema?.['properties'] ?? {}) as Record<string, JsonSchema>;
}

/** Returns the definitions that a schema refers to, directly or not. */
export function referencedFrom(schema: unknown, definitions: Definitions): Definitions {
  const found: Record<string, JsonSchema> = {};
  const visit = (value: unknown): void => {
    for (const [, name = ''] of JSON.stringify(value).matchAll(/"\$ref":"[^"]*\/(\w+)"/g)) {
      const target = definitions[name];
      if (!target || Object.hasOwn(found, name)) continue;
      found[name] = target;
      visit(target);
    }
  };
  visit(schema);
  return found;
}
