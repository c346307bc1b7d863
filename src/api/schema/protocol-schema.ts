/** The JSON Schema of the protocol on the socket: requests, replies and pushes. */
import { fieldSchema, type JsonSchema, objectSchema, reference } from '../fields.js';
import { PROTOCOL_VERSION } from '../messages.js';
import type { Op } from '../requests.js';
import { OPS, REQUESTS } from '../requests.js';
import { RUN_COMMAND } from '../run-commands.js';
import { producedEvent, recordedEvent, referencedFrom } from './event-schema.js';
import { type Definitions, DIALECT, pascalCase, toDraft2020 } from './json-schema.js';

/** Lines of the daemon that are no replies, by the name of their type. */
const UNREQUESTED = [
  'EventsPush',
  'GapPush',
  'ResetPush',
  'PositionPush',
  'CommandMessage',
  'Ack',
  'Duplicate',
] as const;
const ID = fieldSchema(reference('ID of the request, chosen by the client.'));

export function protocolDocument(generated: Definitions): JsonSchema {
  const definitions = messageDefinitions(generated, '#/$defs/');
  const of = (names: readonly string[]) => ({ anyOf: names.map((name) => ({ $ref: `#/$defs/${name}` })) });
  const lines = {
    ClientLine: of([...OPS.map(requestName), 'WireEvent']),
    DaemonLine: of(['Reply', 'ErrorReply', 'ErrorLine', ...UNREQUESTED]),
    Reply: { type: 'object', description: 'With the fields of the reply.', properties: { re: ID }, required: ['re'] },
    ErrorReply: withError(['re', 'error']),
    ErrorLine: withError(['error']),
  };
  const requests = OPS.map((op) => [requestName(op), requestSchema(op)] as const);
  return {
    $schema: DIALECT,
    title: `The protocol of progress, version ${PROTOCOL_VERSION}`,
    ...of(['ClientLine', 'DaemonLine']),
    $defs: { ...lines, ...Object.fromEntries(requests), ...definitions },
  };
}

/** Definitions of replies, pushes and events, and of what they refer to. */
export function messageDefinitions(generated: Definitions, place: string): Definitions {
  const converted = toDraft2020(generated, place);
  const all: Definitions = {
    ...converted,
    EmptyReply: { type: 'object', description: 'No fields.' },
    CommandMessage: { type: 'object', properties: { command: objectSchema(RUN_COMMAND) }, required: ['command'] },
    ExecutionEvent: recordedEvent(converted),
    WireEvent: producedEvent(converted),
  };
  const replies = (all['Replies']?.['properties'] ?? {}) as Definitions;
  // a reply whose type has the same name is among the others already
  const named = OPS.flatMap((op) =>
    Object.hasOwn(all, replyName(op)) ? [] : [[replyName(op), replies[op] ?? {}] as const],
  );
  const wanted = [replies, ...[...UNREQUESTED, 'ErrorJson', 'WireEvent'].map((name) => ({ $ref: place + name }))];
  return { ...Object.fromEntries(named), ...referencedFrom(wanted, all) };
}

export function replyName(op: Op): string {
  return `${pascalCase(op)}Reply`;
}

function requestName(op: Op): string {
  return `${pascalCase(op)}Request`;
}

function requestSchema(op: Op): JsonSchema {
  const { properties, required = [] } = objectSchema(REQUESTS[op].fields) as {
    properties: object;
    required?: string[];
  };
  return {
    type: 'object',
    description: REQUESTS[op].summary,
    properties: { op: { const: op }, id: ID, ...properties },
    required: ['op', 'id', ...required],
  };
}

function withError(required: readonly string[]): JsonSchema {
  return { type: 'object', properties: { re: ID, error: { $ref: '#/$defs/ErrorJson' } }, required };
}
