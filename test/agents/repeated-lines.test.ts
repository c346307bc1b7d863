import t from 'tap';
import type { Json } from '../../src/formats/json.js';
import { replay } from '../helpers/replay.js';

const BASE = { sessionId: 's', cwd: '/w', timestamp: '2026-11-21T00:00:00.000Z' };

function user(uuid: string, content: unknown, more: object = {}) {
  return { ...BASE, type: 'user', uuid, message: { content }, ...more };
}

function assistant(uuid: string, id: string, content: object[], usage: object, stop: string | null = 'end_turn') {
  return { ...BASE, type: 'assistant', uuid, message: { id, content, stop_reason: stop, usage } };
}

const text = (words: string) => [{ type: 'text', text: words }];
const USAGE = { input_tokens: 1_000, output_tokens: 100 };
const LATER = { input_tokens: 10, output_tokens: 5 };
const first = [user('u1', 'first'), assistant('a1', 'm1', text('one'), USAGE)];
const second = [user('u2', 'second'), assistant('a2', 'm2', text('two'), LATER)];
const call = [
  user('u1', 'first'),
  assistant('a1', 'm1', [{ type: 'tool_use', id: 't1', name: 'Bash', input: { command: 'ls' } }], USAGE, 'tool_use'),
  user('u2', [{ type: 'tool_result', tool_use_id: 't1', content: 'a.txt' }]),
  assistant('a2', 'm2', text('two'), LATER),
];

function read(lines: readonly object[]) {
  const chunks = lines.map((line) => Buffer.from(`${JSON.stringify(line)}\n`));
  const { events, execution, claim } = replay(chunks, { format: 'claude-transcript' });
  const kinds = events.flatMap(({ data: { kind } }) => (typeof kind === 'string' ? [kind] : []));
  return { kinds, tokens: execution.usage?.tokens, turns: execution.agent?.turns, claim };
}

/** The lines as another version of the agent copies them, with new UUIDs. */
const renamed = (lines: readonly Json[]) => lines.map((line) => ({ ...line, uuid: `${String(line['uuid'])}-copy` }));

t.test('lines that a session file of Claude Code repeats count once', (t) => {
  const cases: Record<string, { lines: readonly object[]; as: readonly object[] }> = {
    'all of it, after a compaction': { lines: [...first, ...first, ...second], as: [...first, ...second] },
    'an older message, after a newer one': { lines: [...first, ...second, first[1]!], as: [...first, ...second] },
    'calls and their results': { lines: [...call, ...call], as: call },
    'under other UUIDs': { lines: [...call, ...renamed(call).slice(1)], as: call },
  };
  for (const [name, { lines, as }] of Object.entries(cases)) t.strictSame(read(lines), read(as), name);
  t.match(read([...first, ...first, ...second]), { tokens: 1_115, turns: 2 });
  t.end();
});

t.test('a repeated answer in the next turn does not end that turn', (t) => {
  const works = assistant('a2', 'm2', [{ type: 'tool_use', id: 't2', name: 'Bash', input: {} }], LATER, 'tool_use');
  t.equal(read([...first, user('u2', 'second'), works, ...first]).claim, undefined);
  t.end();
});

t.test('the same text in another line is another prompt', (t) => {
  t.equal(read([user('u1', 'go on'), user('u2', 'go on', { promptId: 'p' })]).turns, 2);
  t.end();
});

t.test('a message counts with the maximum of its lines, with or without a stop reason', (t) => {
  const lines = [
    assistant('a1', 'm1', text('one'), { input_tokens: 1_000, output_tokens: 1 }, null),
    assistant('a2', 'm1', text('two'), USAGE, null),
    assistant('a3', 'm1', text('three'), USAGE),
  ];
  t.equal(read(lines).tokens, 1_100);
  t.end();
});
