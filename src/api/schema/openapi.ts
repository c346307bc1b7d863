/** The OpenAPI document of the HTTP API, from the table of routes and the generated schemas. */
import { VERSION } from '../../core/base/version.js';
import { type Field, fieldSchema, type FieldTable, type JsonSchema, objectSchema } from '../fields.js';
import type { ApiRoute } from '../http-routes.js';
import { ERROR_STATUSES, HTTP_ROUTES, parametersOf } from '../http-routes.js';
import { referencedFrom } from './event-schema.js';
import type { Definitions } from './json-schema.js';
import { toDraft2020 } from './json-schema.js';
import { messageDefinitions, replyName } from './protocol-schema.js';

const PLACE = '#/components/schemas/';
/** Types of `http-replies.ts`. */
const OWN_TYPES = ['HttpError', 'StreamOpen', 'SessionReply', 'HealthReply'] as const;

const PATH_PARAMETERS: Readonly<Record<string, string>> = {
  execution: 'Full ID, unique prefix of an ID, or name of the execution.',
  file: 'Name of the file.',
};

/** Messages of a stream that are no events, by their name. */
const STREAM_MESSAGES = {
  stream_open: ref('StreamOpen'),
  stream_gap: ref('Gap'),
  stream_reset: ref('Reset'),
  stream_position: { type: 'integer', description: 'Position after which to resume.' },
  events: { type: 'array', items: ref('ExecutionEvent'), description: 'Events, with `batches`.' },
};

export function httpDocument(generated: Definitions): JsonSchema {
  const all = { ...toDraft2020(generated, PLACE), ...messageDefinitions(generated, PLACE) };
  const paths: Record<string, Record<string, JsonSchema>> = {};
  for (const route of HTTP_ROUTES) {
    const { path, method } = route;
    (paths[path] ??= {})[method.toLowerCase()] = operation(route);
  }
  const own = Object.fromEntries(OWN_TYPES.map((name) => [name, all[name]]));
  return {
    openapi: '3.1.0',
    info: { title: 'progress', version: VERSION, summary: 'The daemon of progress over HTTP, see progress-http(7).' },
    servers: [{ url: 'http://127.0.0.1:{port}', variables: { port: { default: '7717' } } }],
    security: [{ token: [] }],
    paths,
    components: {
      schemas: { ...own, ...referencedFrom([paths, own], all) },
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'The file `web-token`; none on the Unix socket.' },
      },
      responses: Object.fromEntries(
        Object.entries(ERROR_STATUSES).map(([status, description]) => [
          `Error${status}`,
          { description, ...json(ref('HttpError')) },
        ]),
      ),
    },
  };
}

function operation(route: ApiRoute): JsonSchema {
  const { id, summary, path, query, open, status } = route;
  const inPath = parametersOf(path).map((name) => ({
    ...{ name, in: 'path', required: true },
    ...{ description: PATH_PARAMETERS[name], schema: { type: 'string', minLength: 1 } },
  }));
  const reply = responseOf(route);
  const others = otherStatusesOf(route);
  return {
    operationId: id,
    summary,
    ...(open && { security: [] }),
    parameters: [...inPath, ...Object.entries(query).map(queryParameter)],
    ...bodyOf(route),
    responses: {
      [status]: { description: 'Success.', ...reply },
      ...Object.fromEntries(others.map((other) => [other, { description: 'Success, with another state.', ...reply }])),
      ...Object.fromEntries(errorsOf(route).map((code) => [code, { $ref: `#/components/responses/Error${code}` }])),
    },
  };
}

function queryParameter([name, one]: [string, Field<unknown>]): JsonSchema {
  const { description, ...schema } = fieldSchema(one);
  const isFlag = one.query === 'flag';
  return {
    ...{ name, in: 'query', required: one.required ?? false, description },
    ...(isFlag && { allowEmptyValue: true }),
    schema: isFlag ? { enum: ['', '1', 'true', '0', 'false'] } : schema,
    ...(one.query === 'list' && { style: 'form', explode: false }),
  };
}

function bodyOf(route: ApiRoute): JsonSchema {
  const { body } = route;
  if (body === undefined) return {};
  const schema = typeof body === 'string' ? ref('WireEvent') : objectSchema(body);
  return { requestBody: { required: typeof body === 'string' || isNeeded(body), ...json(schema) } };
}

function isNeeded(table: FieldTable): boolean {
  return Object.values(table).some(({ required }) => required);
}

function responseOf(route: ApiRoute): JsonSchema {
  if (route.serve === 'request') return json(ref(replyName(route.op)));
  if (route.reply) return json(ref(route.reply));
  if (route.serve === 'stream')
    return { content: { 'text/event-stream': { schema: { type: 'string' }, 'x-messages': STREAM_MESSAGES } } };
  return { content: { [route.type.split(';', 1)[0] ?? '']: { schema: { type: 'string' } } } };
}

function otherStatusesOf(route: ApiRoute): number[] {
  if (route.serve === 'request') return route.op === 'emit' ? [200] : [];
  return route.otherStatus === undefined ? [] : [route.otherStatus];
}

function errorsOf(route: ApiRoute): number[] {
  const { method, path, query, open, serve } = route;
  const isNamed = path.includes('{execution}') && serve !== 'page';
  const isRead = method === 'POST' || isNamed || Object.keys(query).length > 0;
  return [
    ...(isRead ? [400] : []),
    ...(open ? [403] : [401, 403]),
    ...(isNamed || serve === 'asset' ? [404] : []),
    ...(isNamed ? [409] : []),
    ...(method === 'POST' ? [413, 415] : []),
    ...(serve === 'health' ? [] : [503]),
  ];
}

function json(schema: JsonSchema): JsonSchema {
  return { content: { 'application/json': { schema } } };
}

function ref(name: string): JsonSchema {
  return { $ref: PLACE + name };
}
