// Renders the generated parts of progress-protocol(7) and progress-http(7) from the schemas that the build has written.
import { readFileSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '../..');
const WIDTH = 80;
/** Types that have a section or page of their own. */
const ELSEWHERE = { ExecutionJson: 'EXECUTIONS', Step: 'EXECUTIONS', ErrorJson: 'ERROR CODES', Conditions: undefined };
const SECTIONS = /\b(SUBSCRIPTIONS|EXECUTIONS|STREAMS|ERROR CODES)\b/;

const KINDS = {
  ...{ string: 'text', number: 'number', integer: 'number', boolean: 'boolean' },
  ...{ object: 'object', array: 'list', null: 'null' },
};

const protocol = readSchema('protocol');
const http = readSchema('http');

const PARTS = {
  'progress-protocol.7': {
    requests: requestItems,
    subscribe: () => fieldItems(protocol.$defs.SubscribeRequest, { skipped: ['op', 'id'] }),
    messages: messageItems,
    execution: () => fieldItems(protocol.$defs.ExecutionJson),
    step: () => fieldItems(protocol.$defs.Step),
  },
  'progress-http.7': { routes: routeItems, stream: streamItems, opening: openingItems, statuses: statusItems },
};

export const CONTRACT_PAGES = Object.keys(PARTS);

/** Returns the text of a page with its generated parts renewed. */
export function renderContract(page, text) {
  return Object.entries(PARTS[page]).reduce((before, [name, render]) => replacePart(before, name, render()), text);
}

function readSchema(name) {
  return JSON.parse(readFileSync(path.join(ROOT, 'dist/schema', `${name}.json`), 'utf8'));
}

function replacePart(text, name, lines) {
  const [begin, end] = [`.\\" begin generated: ${name}\n`, '.\\" end generated\n'];
  const start = text.indexOf(begin);
  if (start === -1) throw new Error(`the page has no part ${name}`);
  const rest = text.slice(text.indexOf(end, start));
  return `${text.slice(0, start)}${begin}${lines.map((line) => `${line}\n`).join('')}${rest}`;
}

function requestItems() {
  /** The request below which a type is described. */
  const described = new Map();
  const ops = protocol.$defs.ClientLine.anyOf
    .map(({ $ref }) => defined($ref))
    .filter(({ properties }) => properties.op);
  return ops.flatMap((request) => {
    const op = request.properties.op.const;
    const reply = protocol.$defs[`${op[0].toUpperCase()}${op.slice(1)}Reply`];
    const fields = op === 'subscribe' ? [] : fieldItems(request, { skipped: ['op', 'id'] });
    const replyFields = fieldItems(resolve(reply), { op, described });
    return [
      `.It Ic ${op}`,
      ...mdoc(request.description),
      ...fields,
      ...(replyFields.length > 0 ? ['.br', 'Reply:', ...replyFields] : ['.br', 'The reply has no fields.']),
    ];
  });
}

function messageItems() {
  const pushes = ['EventsPush', 'GapPush', 'ResetPush', 'PositionPush'].map((name) => protocol.$defs[name]);
  return pushes.flatMap(({ properties }) =>
    Object.entries(properties).flatMap(([key, schema]) => (key === 'on' ? [] : fieldItem(key, schema, {}))),
  );
}

function routeItems() {
  return Object.entries(http.paths).flatMap(([route, methods]) =>
    Object.entries(methods).flatMap(([method, { summary, parameters, requestBody }]) => {
      const words = route
        .split(/\{(\w+)\}/)
        .map((part, index) => (index % 2 === 1 ? `Ar ${part}` : part && `Li ${part}`));
      const query = parameters.filter((one) => one.in === 'query').map(({ name }) => name);
      const body = Object.keys(requestBody?.content['application/json'].schema.properties ?? {});
      return [
        `.It Li ${method.toUpperCase()} ${words.filter(Boolean).join(' Ns ').replace(/^Li /, '')}`,
        ...mdoc(summary),
        ...(query.length > 0 ? ['Query:', ...names(query)] : []),
        ...(body.length > 0 ? ['Body:', ...names(body)] : []),
        ...(requestBody?.content['application/json'].schema.$ref ? ['The body is the event.'] : []),
      ];
    }),
  );
}

/** The fields of a stream that the request does not have. */
function streamItems() {
  const { parameters } = http.paths['/stream/progress'].get;
  const own = parameters.filter(({ name }) => !protocol.$defs.SubscribeRequest.properties[name]);
  return own.flatMap(({ name, description, schema }) => fieldItem(name, { description, enum: valuesOf(schema) }, {}));
}

/** A flag is written as 1 or 0, whatever else is accepted. */
function valuesOf(schema) {
  return schema.enum?.includes('') ? undefined : schema.enum;
}

function openingItems() {
  return fieldItems(http.components.schemas.StreamOpen);
}

function statusItems() {
  const errors = Object.entries(http.components.responses).map(([name, { description }]) => [
    name.slice(5),
    description,
  ]);
  return errors.flatMap(([status, description]) => [`.It ${status}`, ...mdoc(description)]);
}

/** A list of the fields of an object. */
function fieldItems(schema, { skipped = [], ...context } = {}) {
  const { properties = {}, required = [] } = schema;
  const isRequest = properties.op !== undefined;
  const items = Object.entries(properties)
    .filter(([key]) => !skipped.includes(key))
    .flatMap(([key, one]) => fieldItem(isRequest && required.includes(key) ? `${key}*` : key, one, context));
  return items.length === 0 ? [] : ['.Bl -tag -width Ds -compact', ...items, '.El'];
}

function fieldItem(key, schema, context) {
  const kind = kindOf(schema);
  const text = mdoc(schema.description);
  const values = enumOf(schema);
  const listed = values ? ['One of', ...names(values)] : [];
  // described already in words
  const isNamed = values?.every((value) => schema.description?.includes(`\`${value}\``));
  return [
    `.It Cm ${key}${kind && ` Pq ${kind}`}`,
    ...text,
    ...(isNamed ? [] : listed),
    ...insideOf(schema, context, text.length > 0),
  ];
}

/** Describes the fields of an object, or of each item of a list. */
function insideOf(schema, context, isDescribed) {
  const inner = schema.items && !Array.isArray(schema.items) ? schema.items : schema;
  const name = inner.$ref?.split('/').at(-1);
  const type = resolve(inner);
  if (!type.properties) return [];
  if (name in ELSEWHERE) return isDescribed || !ELSEWHERE[name] ? [] : mdoc(`See ${ELSEWHERE[name]}.`);
  const { op, described } = context;
  if (name && described?.has(name)) return mdoc(`The fields are those of \`${described.get(name)}\`.`);
  if (name) described?.set(name, op);
  return [...(inner === schema ? [] : ['Each has:']), ...fieldItems(type, context)];
}

function kindOf(schema) {
  const { $ref, type, format, items, prefixItems, const: constant } = schema;
  if ($ref) return kindOf({ ...resolve(schema), description: undefined });
  if (schema.enum || schema.anyOf) return '';
  if (constant !== undefined) return String(constant);
  if (format === 'date-time') return 'time';
  if (Array.isArray(type)) return type.map((one) => KINDS[one]).join(' or ');
  return items || prefixItems ? 'list' : (KINDS[type] ?? '');
}

function enumOf(schema) {
  const { enum: values, anyOf } = resolve(schema);
  if (values) return values;
  const inner = anyOf?.map((one) => enumOf(one) ?? (one.const === undefined ? undefined : [one.const]));
  return inner?.every(Boolean) ? inner.flat() : undefined;
}

function resolve(schema) {
  return schema.$ref ? resolve(defined(schema.$ref)) : schema;
}

function defined($ref) {
  return protocol.$defs[$ref.split('/').at(-1)];
}

/** A list of names with commas, over several lines where it is long. */
function names(list) {
  const lines = [];
  for (const [index, name] of list.entries()) {
    const word = `${name} ${index === list.length - 1 ? '.' : ','}`;
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length + 1 <= WIDTH) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(`.Cm ${word}`);
  }
  return lines;
}

/** Converts plain text with `names`, page(7) and SECTION to mdoc: each sentence on a new line, of at most 80 characters. */
function mdoc(text = '') {
  const sentences = text.replaceAll('\n', ' ').split(/(?<=[.!?]) +(?=[A-Z`])/);
  return sentences.filter(Boolean).flatMap(sentenceLines);
}

function sentenceLines(sentence) {
  const parts = sentence.split(/(`[^`]+`|\b[a-z][a-z-]*\(\d\)|\b(?:SUBSCRIPTIONS|EXECUTIONS|STREAMS|ERROR CODES)\b)/);
  const lines = [];
  for (const [index, part] of parts.entries()) {
    if (index % 2 === 0) {
      // punctuation after a macro is on its line
      const [, marks = '', rest = ''] = index === 0 ? [part, '', part] : /^([.,;:)]*)(.*)$/s.exec(part);
      if (marks) lines[lines.length - 1] += ` ${[...marks].join(' ')}`;
      lines.push(...wrap(rest.trim()));
    } else lines.push(macro(part));
  }
  return lines;
}

function macro(part) {
  const [, page, number] = /^([a-z-]+)\((\d)\)$/.exec(part) ?? [];
  if (page) return `.Xr ${page} ${number}`;
  if (SECTIONS.test(part)) return `.Sx ${part}`;
  const word = part.slice(1, -1);
  return /^[\w*.]+$/.test(word) ? `.Cm ${word}` : `.Li ${/\s/.test(word) ? `"${word}"` : word}`;
}

function wrap(text) {
  const lines = [];
  for (const word of text.split(' ').filter(Boolean)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length + 1 <= WIDTH) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(/^[.']/.test(word) ? `\\&${word}` : word);
  }
  return lines;
}
