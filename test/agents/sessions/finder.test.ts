import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { Finder } from '../../../src/agents/sessions/finder.js';
import { waitFor } from '../../helpers/wait.js';

const countWatches = () => process.getActiveResourcesInfo().filter((name) => name === 'FSEventWrap').length;

t.test('watches only the newest of many directories', async (t) => {
  const root = t.testdir({});
  const seen: string[] = [];
  const finder = new Finder({
    root: path.join(root, 'not-there'),
    isDirectory: () => true,
    isFile: () => true,
    isWanted: () => true,
    onFile: (_parts, file) => seen.push(file),
    onWatchFailure: (error) => t.fail(String(error)),
  });
  t.teardown(() => finder.close());
  const before = countWatches();
  const files = Array.from({ length: 220 }, (_, index) => path.join(root, `d${index}`, 'a.jsonl'));
  for (const file of files) {
    mkdirSync(path.dirname(file));
    finder.watchDirectoryOf(file);
  }
  await waitFor('the oldest to be left', () => countWatches() - before === 200);
  await waitFor('what happens in the newest', () => {
    writeFileSync(files.at(-1) ?? '', 'x');
    return seen.length > 0;
  });
  await finder.close();
  await waitFor('all to be left', () => countWatches() === before);
  t.ok(seen.every((file) => file === files.at(-1)));
});
