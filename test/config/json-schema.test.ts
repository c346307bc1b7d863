import t from 'tap';
import { configJsonSchema } from '../../src/config/json-schema.js';
import { configKeys } from '../../src/config/load.js';

/** Returns the schema at a path. */
function at(...path: (string | number)[]): unknown {
  return path.reduce<unknown>((found, step) => (found as Record<string | number, unknown>)[step], configJsonSchema());
}

t.test('every key has a description and a default, and no others are accepted', async (t) => {
  t.equal(at('$schema'), 'https://json-schema.org/draft/2020-12/schema');
  for (const { key, description, type, default: fallback } of configKeys()) {
    const path = key.split('.').flatMap((name) => ['properties', name]);
    const found = at(...path) as { description: string; default: unknown };
    t.equal(found.description, description, key);
    const written = typeof found.default === 'string' ? found.default : JSON.stringify(found.default);
    t.equal(written, fallback, `${key}, ${type}`);
  }
  t.match([at('additionalProperties'), at('properties', 'watch', 'additionalProperties')], [false, false]);
});

t.test('each value type has a schema', async (t) => {
  t.match(at('properties', 'watch', 'properties', 'rate'), { type: 'integer', minimum: 1, maximum: 60, default: 10 });
  t.match(at('properties', 'journal', 'properties', 'sync'), { enum: ['interval', 'always', 'never'] });
  t.match(at('properties', 'web', 'properties', 'enabled'), { type: 'boolean' });
  const { anyOf } = at('properties', 'journal', 'properties', 'segmentSize') as {
    anyOf: [{ pattern: string }, object];
  };
  t.match('16MiB', new RegExp(anyOf[0].pattern));
  t.notMatch('16 megabytes', new RegExp(anyOf[0].pattern));
  t.match(anyOf[1], { type: 'integer', minimum: 65_536, maximum: 2 ** 30 });
});

t.test('rules and channels have required and optional keys', async (t) => {
  t.match(at('properties', 'rules', 'items', 'anyOf'), [
    {
      required: ['name', 'when'],
      additionalProperties: false,
      properties: {
        when: {
          properties: {
            kind: { anyOf: [{ enum: ['command', 'run', 'agent', 'task', 'workflow'] }, { type: 'array' }] },
          },
        },
      },
    },
    { const: 'builtin' },
  ]);
  const channels = at('properties', 'channels', 'additionalProperties', 'anyOf') as { required: string[] }[];
  t.strictSame(
    channels.map(({ required }) => required),
    [['type'], ['type', 'host', 'from', 'to'], ['type', 'command'], ['type'], ['type']],
  );
  const conditions = ['properties', 'rules', 'items', 'anyOf', 0, 'properties', 'when', 'properties'];
  t.match(at(...conditions, 'costUsd'), { type: 'number', minimum: 0.01 });
  t.match(at(...conditions, 'level'), { type: 'string' });
  t.match(at(...conditions, 'tokensPerMinute', 'anyOf'), [
    { type: 'integer' },
    { properties: { window: { default: '5m' } } },
  ]);
  t.match(channels[1], { properties: { severity: { enum: ['info', 'warning', 'error', 'critical'] } } });
  t.match(channels[1], { properties: { type: { const: 'email' }, port: { type: 'integer' } } });
});
