import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t from 'tap';
import type { Test } from 'tap';
import { ClaudeProcesses, parseEntry } from '../../../src/agents/claude/process-registry.js';
import { RECORDINGS, recordedStates } from '../../helpers/agent-states.js';
import { waitFor } from '../../helpers/wait.js';

const entry = (pid: number, more: object = {}) =>
  JSON.stringify({ pid, sessionId: 's1', procStart: '42', status: 'busy', statusUpdatedAt: 1, ...more });

function createDirectory(t: Test): string {
  const root = mkdtempSync(path.join(tmpdir(), 'progress-test-'));
  t.teardown(() => rmSync(root, { recursive: true, force: true }));
  return path.join(root, 'sessions');
}

t.test('reads every entry of the recordings', (t) => {
  for (const name of RECORDINGS) {
    for (const { file, content } of recordedStates(name)) {
      if (file === undefined || content === undefined) continue;
      const found = parseEntry(Number.parseInt(file), JSON.stringify(content));
      t.match(found, { session: content['sessionId'], start: Number(content['procStart']) });
    }
  }
  t.end();
});

t.test('an unknown state counts as busy, and an incomplete file as none', (t) => {
  t.strictSame(parseEntry(7, entry(7)), { pid: 7, start: 42, session: 's1', status: 'busy', changedAt: 1 });
  t.equal(parseEntry(7, entry(7, { status: 'shell' }))?.status, 'busy');
  t.equal(parseEntry(7, entry(7, { status: undefined }))?.status, undefined);
  t.match(parseEntry(7, entry(7, { status: 'waiting', waitingFor: 'permission prompt' })), {
    status: 'waiting',
    waitingFor: 'permission prompt',
  });
  for (const bad of [
    '',
    '[]',
    entry(7).slice(0, 30),
    entry(8),
    entry(7, { sessionId: 'a\nb' }),
    entry(7, { procStart: 'x' }),
  ]) {
    t.equal(parseEntry(7, bad), undefined, bad);
  }
  t.end();
});

t.test('finds a directory that is created later; ignores entries of ended or replaced processes', async (t) => {
  const directory = createDirectory(t);
  const starts = new Map([
    [11, 42],
    [12, 43],
  ]);
  const registry = new ClaudeProcesses({ directory, startOf: (pid) => starts.get(pid) });
  t.teardown(() => registry.close());
  registry.refresh();
  t.strictSame(registry.living(), []);
  mkdirSync(directory);
  writeFileSync(path.join(directory, '11.json'), entry(11));
  writeFileSync(path.join(directory, '12.json'), entry(12));
  writeFileSync(path.join(directory, '13.json'), entry(13));
  writeFileSync(path.join(directory, 'elsewhere'), entry(14));
  symlinkSync('elsewhere', path.join(directory, '14.json'));
  starts.set(14, 42);
  registry.refresh();
  t.strictSame(
    registry.living().map(({ pid }) => pid),
    [11],
  );
  // from here on the operating system reports changes
  writeFileSync(path.join(directory, '11.json'), entry(11, { sessionId: 's2', status: 'idle' }));
  await waitFor('the change', () => registry.entryOf('s2'));
  t.equal(registry.entryOf('s1'), undefined);
  rmSync(path.join(directory, '11.json'));
  await waitFor('its end', () => registry.living().length === 0);
  t.equal(readFileSync(path.join(directory, '13.json'), 'utf8'), entry(13), 'nothing is changed there');
});
