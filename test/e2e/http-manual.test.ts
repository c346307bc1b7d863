import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { ROOT } from '../helpers/daemon.js';
import { openWeb } from '../helpers/http.js';
import { matchesPattern, parsePattern } from '../helpers/transcript.js';
import { whyNo } from '../helpers/needs.js';

interface Example {
  command: string;
  output: string[];
}

/** Lines `$ command` and their output, in literal blocks; three spaces continue the previous line. */
function readExamples(page: string): Example[] {
  const examples: Example[] = [];
  for (const [, block = ''] of page.matchAll(/^\.Bd -literal\n([\s\S]*?)^\.Ed$/gm)) {
    for (const line of block
      .replaceAll(/\n {3}/g, ' ')
      .trimEnd()
      .split('\n')) {
      if (line.startsWith('$ ')) examples.push({ command: line.slice(2), output: [] });
      else examples.at(-1)?.output.push(line);
    }
  }
  return examples;
}

const skip = whyNo('curl');

t.test('every example of progress-http(7) prints the output on the page', { skip }, async (t) => {
  const { home, port } = await openWeb(t);
  const env = { ...home.env, S: home.paths.httpSocket, STATE: home.paths.state, PORT: String(port) };
  const examples = readExamples(readFileSync(path.join(ROOT, 'man/progress-http.7'), 'utf8'));
  t.ok(examples.length >= 10, `${examples.length} examples`);
  const bindings = new Map<string, unknown>();
  for (const { command, output } of examples) {
    const { stdout, status, stderr } = spawnSync('sh', ['-c', command], { env, encoding: 'utf8' });
    t.match({ status, stderr }, { status: 0, stderr: '' }, command);
    const [first = ''] = output;
    if (first.startsWith('{')) {
      t.ok(matchesPattern(parsePattern(first), JSON.parse(stdout), bindings), `${command} printed ${stdout}`);
    } else t.equal(stdout.split('\n').slice(0, output.length).join('\n'), output.join('\n'), command);
  }
});
