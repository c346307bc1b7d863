import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { emptyState } from '../../src/core/state/state.js';
import { writeCheckpoint } from '../../src/journal/checkpoint.js';

t.test('a checkpoint that cannot be renamed leaves no temporary file', async (t) => {
  const directory = t.testdir();
  // a directory of that name cannot be replaced by a file
  mkdirSync(path.join(directory, 'state.json', 'occupied'), { recursive: true });
  await t.rejects(writeCheckpoint(path.join(directory, 'state.json'), 'journal', emptyState()), { code: 'EISDIR' });
  t.strictSame(readdirSync(directory), ['state.json']);
});

t.test('a checkpoint replaces the previous one', async (t) => {
  const file = path.join(t.testdir(), 'state.json');
  for (const journal of ['first', 'second']) await writeCheckpoint(file, journal, emptyState());
  t.match(JSON.parse(readFileSync(file, 'utf8')), { journal: 'second' });
});
