import t from 'tap';
import { activityText } from '../../src/core/events/activity.js';
import { FORMATS } from '../../src/agents/formats.js';
import { resolveOutcome } from '../../src/formats/parser.js';
import { bytesOf, linesOf, replay } from '../helpers/replay.js';

const SESSION = { session_id: 's' };
const say = (text: string) => ({
  type: 'assistant',
  message: { content: [{ type: 'text', text }] },
  parent_tool_use_id: null,
  ...SESSION,
});
const toBytes = (...lines: unknown[]) =>
  Buffer.from(lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''));

t.test('formats are recognised by the command line', async (t) => {
  const cases = [
    ['claude', ['claude', '-p', 'hi', '--output-format', 'stream-json', '--verbose']],
    ['claude', ['/opt/bin/claude', '-p', '--output-format=stream-json']],
    ['codex', ['codex', 'exec', '--json', 'hi']],
    ['gemini', ['gemini', '-p', 'hi', '--output-format', 'stream-json']],
    [undefined, ['claude', '-p', 'hi']],
    [undefined, ['echo', 'stream-json']],
    [undefined, []],
  ] as const;
  for (const [name, argv] of cases) t.equal(FORMATS.ofProgram(argv)?.name, name, argv.join(' '));
});

t.test('behind a wrapper formats are recognised by the first lines, and earlier lines stay output', async (t) => {
  const content = toBytes('npm warn something', { some: 'json' }, say('hello'), 'words between');
  for (const chunks of [[content], linesOf(content), bytesOf(content)]) {
    const { format, text, events } = replay(chunks, { argv: ['npx', 'claude'] });
    t.equal(format, 'claude');
    t.equal(text, 'npm warn something\n{"some":"json"}\nwords between\n');
    t.match(events, [{ type: 'activity', data: { kind: 'assistant-text', text: 'hello' } }]);
  }
});

t.test('a late line of a format does not select it', async (t) => {
  const others = Array.from({ length: 30 }, (_, n) => ({ level: 'info', n }));
  const { format, text } = replay([toBytes(...others, say('quoted in a log'))]);
  t.equal(format, undefined);
  t.match(text, /quoted in a log/);
  const much = 'words\n'.repeat(200_000);
  t.equal(replay([Buffer.from(much), toBytes(say('far behind'))]).format, undefined);
});

t.test('text formats are given up after sixteen megabytes without an event, unless one was named', async (t) => {
  const silence = (megabytes: number) =>
    Array.from({ length: megabytes }, () => Buffer.from('words\n'.repeat(174_763)));
  const meter = toBytes('10%', '20%', '30%');
  const found = (megabytes: number, format?: string) =>
    replay([...silence(megabytes), meter], format === undefined ? {} : { format }).events.length > 0;
  t.equal(found(15), true);
  t.equal(found(17), false);
  t.equal(found(17, 'meters'), true);
  const between = replay([...silence(10), meter, ...silence(10), toBytes('40%', '50%')], { stepMs: 200 });
  t.equal(between.execution.progress?.current, 50, 'what is found counts anew');
});

t.test('a name selects a format, or none', async (t) => {
  t.equal(replay([toBytes(say('x'))], { format: 'plain' }).events.length, 0);
  t.equal(replay([toBytes('10%', '20%', '30%')], { format: 'plain' }).events.length, 0);
  t.equal(replay([toBytes('10%', '20%', '30%')], { format: 'meters' }).events.at(-1)?.type, 'progress');
  t.equal(replay([toBytes('10%', '20%', '30%')], { format: 'tap' }).events.length, 0);
  t.throws(() => FORMATS.named('cluade'), { code: 'usage', message: /"cluade" is none of auto, plain, claude/ });
});

t.test('formats have unique names and descriptions', async (t) => {
  t.equal(new Set(FORMATS.all.map(({ name }) => name)).size, FORMATS.all.length);
  for (const { describe } of FORMATS.all) t.match(describe, /: \S/);
});

t.test('a long text is kept once, in its line, with an excerpt next to it', async (t) => {
  const long = 'The quick brown fox. '.repeat(1_000);
  const { events, kept } = replay([toBytes(say(long))]);
  const data = events[0]!.data;
  t.ok(String(data['text']).length <= 1_000);
  t.equal(data['clipped'], true);
  t.equal(activityText(data), long);
  t.ok(kept.equals(toBytes(say(long))));
  t.equal(activityText({ kind: 'assistant-text', text: 'short' }), 'short');
  t.equal(
    activityText({ text: 'short', textAt: '/a', raw: '{"torn' }),
    'short',
    'a line that cannot be read says no more',
  );
  t.equal(activityText({ text: 'short', textAt: '/a/b/c', raw: '{"a":1}' }), 'short');
});

t.test('a line of ten megabytes ends its tool call, and is kept as output', async (t) => {
  const call = (id: string) => ({
    type: 'assistant',
    message: { content: [{ type: 'tool_use', id, name: 'Read', input: { file_path: '/a.png' } }] },
    ...SESSION,
  });
  const answer = (id: string, content: string) => ({
    type: 'user',
    message: { content: [{ type: 'tool_result', tool_use_id: id, content }] },
    ...SESSION,
  });
  const image = 'QUJD'.repeat(2_500_000);
  const content = toBytes(call('big'), answer('big', image), call('huge'), answer('huge', image + image), say('after'));
  const chunks = Array.from({ length: Math.ceil(content.length / 65_536) }, (_, n) =>
    content.subarray(n * 65_536, (n + 1) * 65_536),
  );
  const { events, kept, execution } = replay(chunks);
  t.ok(kept.equals(content));
  t.equal(execution.steps.find(({ id }) => id === 'big')?.status, 'completed');
  t.equal(
    execution.steps.find(({ id }) => id === 'huge')?.status,
    'cancelled',
    'twenty are more than one line may have',
  );
  t.ok(events.some(({ data }) => data['text'] === 'after'));
  const longest = Math.max(...events.map((event) => JSON.stringify(event).length));
  t.ok(longest < 256 * 1024, 'no event is longer than a line of the journal');
});

t.test('invalid UTF-8, and a line that was cut off', async (t) => {
  const content = Buffer.concat([
    toBytes(say('one')),
    Buffer.from([0x7b, 0xff, 0xfe, 0x0a]),
    Buffer.from(JSON.stringify(say('last, without its newline'))),
  ]);
  const { events, kept } = replay([content]);
  t.ok(kept.equals(content));
  t.match(events.at(-1)?.data, { text: 'last, without its newline', unterminated: true });
  const torn = content.subarray(0, -5);
  t.ok(replay([torn]).kept.equals(torn));
  const windows = Buffer.from(`${JSON.stringify(say('one'))}\r\n`);
  t.ok(replay([windows]).kept.equals(windows), 'with a carriage return');
});

t.test('an execution has failed if its process or its stream has', async (t) => {
  t.strictSame(resolveOutcome('completed', undefined), { status: 'completed' });
  t.strictSame(resolveOutcome('completed', { status: 'failed', error: 'no' }), { status: 'failed', error: 'no' });
  t.strictSame(resolveOutcome('failed', { status: 'completed', summary: 'done' }), {
    status: 'failed',
    summary: 'done',
  });
  t.strictSame(resolveOutcome('cancelled', { status: 'failed', error: 'no' }), { status: 'cancelled', error: 'no' });
  t.strictSame(resolveOutcome('failed', { status: 'cancelled' }), { status: 'cancelled' }, 'it knows why');
  t.strictSame(resolveOutcome('timeout', { status: 'cancelled' }), { status: 'timeout' });
});
