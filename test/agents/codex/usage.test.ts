import t from 'tap';
import { ThreadTokens } from '../../../src/agents/codex/usage.js';
import { NO_USAGE } from '../../../src/agents/usage.js';

type Line = { response: number; id?: string } | { total: number } | 'take';
const of = (input: number) => ({ ...NO_USAGE, input });

/** Tokens in total, and per call. */
function read(lines: readonly Line[]): number[] {
  const tokens = new ThreadTokens();
  return lines.flatMap((line) => {
    if (line === 'take') return [Number(tokens.take()['tokens'] ?? 0)];
    if ('total' in line) tokens.total(of(line.total));
    else tokens.response(line.id, of(line.response));
    return [];
  });
}

t.test('counts the tokens of a Codex thread once, whichever record reports them', (t) => {
  const cases: Record<string, { lines: Line[]; tokens: number[] }> = {
    'sums alone': { lines: [{ total: 10 }, 'take', { total: 30 }, { total: 30 }, 'take'], tokens: [10, 20] },
    'responses and their sums': {
      lines: [{ response: 10 }, { total: 10 }, { response: 20 }, { total: 30 }, 'take'],
      tokens: [30],
    },
    'a response whose sum comes later': { lines: [{ response: 10 }, 'take', { total: 10 }, 'take'], tokens: [10, 0] },
    'an old sum between a response and its own': {
      lines: [{ total: 10 }, { response: 20 }, { total: 10 }, 'take', { total: 30 }, 'take'],
      tokens: [30, 0],
    },
    'a compaction, which is in no sum': {
      lines: [{ response: 50 }, { total: 50 }, { response: 20 }, 'take', { total: 50 }, 'take'],
      tokens: [70, 0],
    },
    'a compaction that is in the sum': {
      lines: [{ response: 50 }, { total: 50 }, { response: 20 }, { total: 70 }, 'take'],
      tokens: [70],
    },
    'what follows a compaction': {
      lines: [
        { response: 50 },
        { total: 50 },
        { response: 20 },
        { total: 50 },
        { response: 30 },
        { total: 80 },
        'take',
      ],
      tokens: [100],
    },
    'a response that is written twice': {
      lines: [{ response: 10, id: 'r' }, { total: 10 }, { response: 10, id: 'r' }, 'take'],
      tokens: [10],
    },
    'a process that counts anew': { lines: [{ total: 30 }, 'take', { total: 5 }, 'take'], tokens: [30, 5] },
  };
  for (const [name, { lines, tokens }] of Object.entries(cases)) t.strictSame(read(lines), tokens, name);
  t.end();
});
