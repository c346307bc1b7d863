import t from 'tap';
import {
  choice,
  count,
  type FieldTable,
  flag,
  name,
  objectSchema,
  positive,
  readFields,
  required,
  text,
  texts,
  withDefault,
} from '../../../src/api/fields.js';
import { HTTP_ROUTES, parametersOf } from '../../../src/api/http-routes.js';
import { OPS, REQUESTS, toRequest } from '../../../src/api/requests.js';
import { readQuery } from '../../../src/daemon/http/query.js';
import { createValidator, readSchema, type Schema } from '../../helpers/schemas.js';

interface Operation {
  operationId: string;
  summary: string;
  parameters: { name: string; in: string; required: boolean; description: string; schema: Schema }[];
  requestBody?: { content: { 'application/json': { schema: Schema } } };
  responses: Record<string, unknown>;
}

const http = readSchema('http') as Schema & { paths: Record<string, Record<string, Operation>> };
const operations = Object.entries(http.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);

/** Finds what a local reference points to. */
function target(document: Schema, reference: string): unknown {
  return reference
    .slice(2)
    .split('/')
    .reduce<unknown>((found, key) => (found as Schema | undefined)?.[key], document);
}

t.test('the OpenAPI document has the required parts, and every reference has a target', (t) => {
  t.match(http, { openapi: '3.1.0', info: { title: String, version: String }, paths: Object });
  for (const name of ['http', 'events', 'protocol'] as const) {
    const document = readSchema(name);
    for (const [, reference = ''] of JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)) {
      if (reference !== '#') t.ok(target(document, reference), `${name}: ${reference}`);
    }
    t.notMatch(JSON.stringify(document), /Failed to correctly infer type|#\/definitions\//, name);
  }
  const ids = operations.map(({ operation }) => operation.operationId);
  t.equal(new Set(ids).size, ids.length, 'operation IDs are unique');
  for (const { path, method, operation } of operations) {
    const place = `${method} ${path}`;
    t.ok(operation.summary, place);
    t.ok(
      Object.keys(operation.responses).some((status) => status.startsWith('2')),
      `${place} may succeed`,
    );
    const inPath = operation.parameters.filter((one) => one.in === 'path');
    t.strictSame(
      inPath.map((one) => one.name),
      parametersOf(path),
      `${place}: parameters of the path`,
    );
    for (const parameter of operation.parameters) {
      t.ok(parameter.description, `${place}: ${parameter.name} has a description`);
      t.equal(parameter.in === 'path', parameter.required && parameter.in === 'path', `${place}: ${parameter.name}`);
    }
  }
  t.end();
});

t.test('every route is in the document once, with all fields of its request', (t) => {
  t.strictSame(
    operations.map(({ path, method }) => `${method.toUpperCase()} ${path}`).sort(),
    HTTP_ROUTES.map(({ path, method }) => `${method} ${path}`).sort(),
  );
  for (const route of HTTP_ROUTES) {
    if (route.serve !== 'request') continue;
    const operation = http.paths[route.path]?.[route.method.toLowerCase()];
    const schema = operation?.requestBody?.content['application/json'].schema;
    const inBody = typeof route.body === 'string' ? [route.body] : Object.keys(schema?.['properties'] ?? {});
    const given = [
      ...(operation?.parameters ?? []).map((one) => one.name),
      ...inBody,
      ...Object.keys(route.fixed ?? {}),
    ];
    t.strictSame(given.sort(), Object.keys(REQUESTS[route.op].fields).sort(), route.id);
  }
  t.end();
});

/** A value of a field as JSON, and in a query. */
const SAMPLES = {
  text: ['stop', 'stop'],
  number: [1, '1'],
  flag: [true, '1'],
  list: [['a', 'b'], 'a,b'],
} as const;

t.test('every field of every request is validated, described by its schema, and read from a query', (t) => {
  const validator = createValidator(readSchema('protocol'));
  for (const op of OPS) {
    const table: FieldTable = REQUESTS[op].fields;
    const place = `/$defs/${op[0]?.toUpperCase()}${op.slice(1)}Request`;
    const least = Object.fromEntries(
      Object.entries(table).flatMap(([key, one]) => (one.required ? [[key, sampleOf(key, one.query)]] : [])),
    );
    t.equal(validator.check(place, { op, id: 1, ...least }), '', op);
    for (const [key, one] of Object.entries(table)) {
      t.ok(one.description, `${op}: ${key}`);
      const given: Record<string, unknown> = { op, id: 1, ...least, [key]: sampleOf(key, one.query) };
      t.strictSame(toRequest(given), given, `${op}: ${key}`);
      t.equal(validator.check(place, given), '', `${op}: ${key}`);
      const wrong = { ...given, [key]: [1] };
      t.throws(() => toRequest(wrong), { message: new RegExp(`^${op}: ${key} must be `) }, `${op}: ${key}`);
      t.not(validator.check(place, wrong), '', `${op}: ${key}`);
      if (one.query === undefined) continue;
      const query = new URLSearchParams({ [key]: String(given[key]) });
      t.strictSame(readQuery(query, table), { [key]: given[key] }, `${op}: ${key} of a query`);
    }
  }
  t.end();
});

function sampleOf(key: string, query: keyof typeof SAMPLES | undefined): unknown {
  const special: Readonly<Record<string, unknown>> = {
    ...{ event: {}, subscription: 's', level: 'info', since: '2026-11-20T12:48:46.000Z', agent: 'claude' },
    urgency: 'low',
  };
  return special[key] ?? SAMPLES[query ?? 'text'][0];
}

t.test('the description and the schema of a field state its default and bound', (t) => {
  const table = {
    limit: withDefault(count('Limit.', { max: 10 }), 5),
    rate: positive(3, 'Rate.'),
    color: withDefault(choice(['red', 'blue'], 'Color.'), 'red'),
    last: withDefault(count('Last.'), 7, ', or all'),
  };
  const read = (given: Record<string, unknown>) =>
    readFields(Object.entries(table), given, (message) => new Error(message));
  t.strictSame(read({ limit: 9 }), { limit: 9 });
  t.strictSame(read({ limit: 11 }), { limit: 10 }, 'a larger number counts as the maximum');
  t.throws(() => read({ limit: -1 }), { message: /^limit must be a whole number/ });
  t.throws(() => read({ rate: 4 }), { message: /^rate must be a number above 0, at most 3/ });
  t.strictSame(read({}), {}, 'the handler applies the default');
  t.equal(table.limit.default, 5);
  const { properties } = objectSchema(table);
  t.match(properties, {
    limit: { description: 'Limit. A larger number counts as 10. Default: 5.', default: 5 },
    rate: { description: 'Rate. Above 0, at most 3.', maximum: 3 },
    color: { description: 'Color. Default: `red`.', default: 'red' },
    last: { description: 'Last. Default: 7, or all.' },
  });
  t.notOk(Object.hasOwn((properties as Record<string, object>)['last'] ?? {}, 'default'), 'it is conditional');
  t.end();
});

t.test('a field that is added to a table needs nothing else', (t) => {
  const table = {
    id: required(name('ID.')),
    all: flag('All.'),
    limit: count('Limit.'),
    note: text('Note.'),
    tags: texts('Tags.'),
    color: choice(['red', 'blue'], 'Color.'),
  };
  const query = new URLSearchParams('id=x&all&limit=3&note=&tags=a,b&tags=c&color=red&other=1');
  const values = { id: 'x', all: true, limit: 3, note: '', tags: ['a', 'b', 'c'], color: 'red' };
  t.strictSame(readQuery(query, table), values);
  const refuse = (message: string) => new Error(message);
  t.strictSame(readFields(Object.entries(table), { ...values, other: 1, limit: null }, refuse), {
    ...{ id: 'x', all: true, note: '', tags: ['a', 'b', 'c'], color: 'red' },
  });
  t.throws(() => readFields(Object.entries(table), {}, refuse), { message: /^id must be a text that is not empty/ });
  t.throws(() => readFields(Object.entries(table), { id: 'x', color: 'green' }, refuse), {
    message: 'color must be one of red, blue, not "green"',
  });
  t.match(objectSchema(table), {
    required: ['id'],
    properties: { limit: { type: 'integer', description: 'Limit.' }, color: { enum: ['red', 'blue'] } },
  });
  t.end();
});
