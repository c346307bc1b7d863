import t from 'tap';
import type { EventData, ExecutionEvent } from '../../src/core/events/event.js';
import { fold } from '../../src/core/fold.js';
import { emptyState } from '../../src/core/state/state.js';
import { formatClock } from '../../src/core/text/format.js';
import { activityLines } from '../../src/terminal/activity.js';
import type { Draft } from '../helpers/events.js';
import { numbered } from '../helpers/events.js';
import { recordings, replay } from '../helpers/replay.js';

const PLAIN = { color: false, ascii: false };

function draw(drafts: readonly Draft[], columns = 60, style = PLAIN): string[] {
  const state = emptyState();
  const events = numbered(drafts.map((draft): Draft => ({ execution: 'e', ...draft })));
  return events.flatMap((event) => activityLines(event, fold(state, event), { columns, style }));
}

const does = (kind: string, data: EventData = {}, step?: string): Draft => ({
  type: 'activity',
  data: { kind, ...data },
  ...(step !== undefined && { step }),
});

t.test('formats a session of an agent', async (t) => {
  const { content } = recordings().find(({ name }) => name === 'claude-stream/rec-2.1.197-full.jsonl')!;
  const { events } = replay([content], { stepMs: 100 });
  t.strictSame(draw([...events, { type: 'execution_completed', data: { exitCode: 0, durationMs: 1_291 } }], 80), [
    'claude · claude-opus-4-8[1m] · /home/user/demo3',
    'The user wants a file list first.',
    "I'll list the files first.",
    '▸ Bash: ls -1',
    '  a.txt',
    '  b.txt',
    '▸ Write: notes.md +1',
    '▸ Bash: echo failing >&2; exit 3',
    '  ↳ Write: notes.md +1',
    '  File created successfully at: /home/user/demo3/notes.md (file state is current',
    '  in your context — no need to Read it back)',
    '  Exit code 3',
    '  failing',
    'Delegating the count to a sub-agent.',
    '▸ Agent: Count text files',
    '  » SUBAGENT-TASK: count the .txt files and reply with the number.',
    '  ▸ Bash: ls *.txt | wc -l',
    '    2',
    '✓ Agent: Count text files 0.2s',
    '  2',
    '▸ WebFetch: https://example.invalid/',
    "  Claude requested permissions to use WebFetch, but you haven't granted it yet.",
    'Done: notes.md written, 2 text files counted.',
    '1.2s · 12,208 tokens · $0.05',
    '✓ completed in 1.2s',
  ]);
});

t.test('each entry begins with its time, and its further lines are indented', (t) => {
  const time = '2026-11-20T12:48:46.123Z';
  const clock = formatClock(Date.parse(time));
  const lines = (type: string, data: EventData) =>
    activityLines({ seq: 1, time, type, data }, undefined, { columns: 40, style: PLAIN, times: true });
  t.strictSame(lines('activity', { kind: 'assistant-text', text: 'one\n\ntwo' }), [
    `${clock} one`,
    '',
    `${' '.repeat(clock.length)} two`,
  ]);
  const long = lines('activity', { kind: 'assistant-text', text: 'word '.repeat(20) });
  t.ok(long.every((line) => line.length <= 40));
  t.strictSame(lines('output', { text: 'as it is' }), ['as it is']);
  t.strictSame(lines('activity', { kind: 'result', durationMs: 2_000, tokens: 1_200, costUsd: 0.05 }), [
    `${clock} 2.0s · 1,200 tokens · $0.05`,
  ]);
  t.end();
});

t.test('other producers name a tool and its input', async (t) => {
  t.strictSame(draw([does('tool-call', { tool: 'Edit', input: { path: 'a.ts' } })]), ['▸ Edit: a.ts']);
  t.strictSame(draw([does('tool-call', { tool: 'rest' })]), ['▸ rest']);
  t.strictSame(draw([does('of-their-own', { text: 'words' })]), ['of-their-own: words']);
  t.strictSame(draw([does('tool-call', { input: "rg -n 'verified' src/" })]), ["▸ rg -n 'verified' src/"]);
  t.strictSame(draw([does('of-their-own', { code: 7 })]), ['of-their-own: {"code":7}'], 'never an empty line');
});

t.test('long results are truncated with a mark, texts are complete', async (t) => {
  const long = Array.from({ length: 40 }, (_, n) => `line ${n}`).join('\n');
  t.strictSame(draw([does('tool-result', { text: long })]).slice(-2), ['  line 4', '  … 35 more']);
  t.equal(draw([does('assistant-text', { text: long })]).length, 40);
  t.strictSame(draw([does('tool-result', { isError: true })]), ['  failed']);
});

t.test('formats waits, errors and actions', async (t) => {
  const lines = draw([
    { type: 'attention', data: { state: 'waiting', reason: 'may it use Bash?' } },
    { type: 'attention', data: { state: 'none' } },
    {
      type: 'log',
      data: { level: 'warning', message: 'overloaded: attempt 1 of 10 in 0.5 s, and this goes on and on' },
    },
    { type: 'log', data: { level: 'debug', message: 'hidden' } },
    { type: 'output', data: { stream: 'debug', text: '{"type":"hidden"}' } },
    { type: 'output', data: { stream: 'stdout', text: 'plain\nlines' } },
    { type: 'step_completed', step: 'todo', data: { name: 'write it', kind: 'criterion' } },
    { type: 'execution_failed', data: { exitCode: 1, error: 'no quota' } },
  ]);
  t.strictSame(lines, [
    '! waiting for you: may it use Bash?',
    '! overloaded: attempt 1 of 10 in 0.5 s, and this goes on and',
    '  on',
    'plain',
    'lines',
    '✓ write it',
    '✗ failed, exit 1: no quota',
  ]);
});

t.test('hostile texts are inert, in any width', async (t) => {
  const nasty = '\u001b]0;title\u0007\u001b[2J\r\u202eabc\u0000\ttab 漢字漢字漢字漢字漢字漢字';
  const kinds = ['init', 'prompt', 'assistant-text', 'thinking', 'tool-call', 'tool-result', 'result', nasty];
  const fields = { text: nasty, title: nasty, tool: nasty, agent: nasty, cwd: nasty, model: nasty };
  const drafts: Draft[] = [
    ...kinds.map((kind) => does(kind, fields)),
    ...['log', 'attention', 'output', 'execution_failed'].map((type) => ({
      type,
      data: { ...fields, message: nasty, reason: nasty, state: 'waiting', error: nasty },
    })),
  ];
  for (const columns of [20, 33, 80]) {
    for (const line of draw(drafts, columns, { color: false, ascii: true })) {
      t.notMatch(line, /[\u0000-\u001f\u007f-\u009f\u202e]/);
    }
  }
});

t.test('cyclic parents have a depth too', async (t) => {
  const circle: ExecutionEvent[] = numbered([
    { type: 'step_started', execution: 'e', step: 'a', data: { kind: 'subagent', parent: 'b' } },
    { type: 'step_started', execution: 'e', step: 'b', data: { kind: 'subagent', parent: 'a' } },
    { type: 'activity', execution: 'e', step: 'a', data: { kind: 'assistant-text', text: 'deep' } },
  ]);
  const state = emptyState();
  const lines = circle.flatMap((event) => activityLines(event, fold(state, event), { columns: 80, style: PLAIN }));
  t.strictSame(lines, [`${'  '.repeat(6)}deep`]);
});
