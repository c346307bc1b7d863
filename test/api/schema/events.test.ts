import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { EVENT_TYPES } from '../../../src/core/events/event.js';
import { ROOT } from '../../helpers/daemon.js';
import { createValidator, readSchema } from '../../helpers/schemas.js';

const { check } = createValidator(readSchema('events'));

function linesOf(file: string): unknown[] {
  const text = readFileSync(path.join(ROOT, file), 'utf8');
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as unknown]));
}

function filesIn(directory: string, ending: RegExp): string[] {
  const names = readdirSync(path.join(ROOT, directory), { recursive: true, encoding: 'utf8' });
  return names.filter((name) => ending.test(name)).map((name) => path.join(directory, name));
}

t.test('all events of a journal are valid', (t) => {
  const files = filesIn('test/fixtures/state-0.1/journal', /\.jsonl$/);
  const events = files.flatMap(linesOf);
  t.ok(events.length > 5, `${events.length} events`);
  for (const event of events) t.equal(check('/$defs/JournalEvent', event), '', JSON.stringify(event));
  t.end();
});

t.test('all events of producers are valid, in whatever vocabulary', (t) => {
  const files = filesIn('test/fixtures/vocabularies', /\.ndjson$/);
  const events = files.flatMap(linesOf);
  t.ok(events.length > 20, `${events.length} events`);
  for (const event of events) t.equal(check('', event), '', JSON.stringify(event));
  t.end();
});

t.test('all events of the manual are valid', (t) => {
  const pages = filesIn('man', /\.\d$/).map((file) => readFileSync(path.join(ROOT, file), 'utf8'));
  const found = pages
    .flatMap((page) => page.split('\n'))
    .flatMap((line) => /\{"(?:type|event|seq)":.*\}/.exec(line)?.[0] ?? []);
  const events = found.flatMap((text) => {
    try {
      return [JSON.parse(text.replaceAll('\\e', '\\')) as unknown];
    } catch {
      return []; // an excerpt, or a pattern with placeholders
    }
  });
  t.ok(events.length > 5, `${events.length} events`);
  for (const event of events) t.equal(check('', event), '', JSON.stringify(event));
  t.end();
});

t.test('unknown types are valid; fields of known types have their type', (t) => {
  t.equal(check('', { type: 'my_event', data: { level: 7 }, more: true }), '');
  t.equal(check('', { event: 'TaskStarted', data: {} }), '');
  t.match(check('', { data: {} }), /type/);
  t.match(check('', { type: 'log', data: { level: 'loud' } }), /level/);
  t.match(check('', { type: 'progress', data: { current: 'many' } }), /current/);
  t.match(check('', { type: 'log', n: 'one' }), /number|integer/);
  t.match(check('/$defs/JournalEvent', { type: 'log', data: {} }), /seq/);
  t.end();
});

t.test('every type has a schema of its data', (t) => {
  const { allOf = [] } = readSchema('events') as { allOf?: { if: { properties: { type: { const: string } } } }[] };
  t.strictSame(
    allOf.map((one) => one.if.properties.type.const),
    EVENT_TYPES,
  );
  t.end();
});
