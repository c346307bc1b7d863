// A real job for `progress run --stream`: types, lint, and the tests of the parts that need no daemon. Its stories and
// criteria are what it does: a criterion passes when that folder or that test file passes.
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { ESLint } from 'eslint';

const root = fileURLToPath(new URL('..', import.meta.url));
const emitter = spawn(`${root}bin/progress`, ['emit', '--stdin'], { stdio: ['pipe', 'inherit', 'inherit'] });
const emit = (type, step, data = {}) => emitter.stdin.write(`${JSON.stringify({ type, step, data })}\n`);

const folders = readdirSync(`${root}src`, { withFileTypes: true }).filter((entry) => entry.isDirectory());
const testFiles = ['core', 'protocol'].flatMap((folder) =>
  readdirSync(`${root}test/${folder}`)
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => `test/${folder}/${name}`),
);

const stories = [
  { id: 'types', name: 'Types', run: checkTypes, criteria: [['types/all', 'every file compiles under strict']] },
  { id: 'lint', name: 'Lint', run: lint, criteria: folders.map(({ name }) => [`lint/${name}`, `src/${name}`]) },
  {
    id: 'tests',
    name: 'Tests of the core and the protocol',
    run: runTests,
    criteria: testFiles.map((file) => [file, file]),
  },
];

for (const story of stories) {
  emit('step_planned', story.id, { name: story.name, kind: 'story' });
  for (const [id, name] of story.criteria) emit('step_planned', id, { name, kind: 'criterion', parent: story.id });
}
let failed = false;
for (const story of stories) {
  emit('step_started', story.id);
  const passed = await story.run();
  emit(passed ? 'step_completed' : 'step_failed', story.id);
  failed ||= !passed;
}
emitter.stdin.end();
emitter.once('close', () => process.exit(failed ? 1 : 0));

async function checkTypes() {
  emit('step_started', 'types/all');
  const status = await run('tsc', []);
  emit(status === 0 ? 'step_completed' : 'step_failed', 'types/all');
  return status === 0;
}

async function lint() {
  const eslint = new ESLint({ cwd: root });
  const formatter = await eslint.loadFormatter('stylish');
  let clean = true;
  for (const { name } of folders) {
    emit('step_started', `lint/${name}`);
    const results = await eslint.lintFiles([`src/${name}`]);
    const errors = results.reduce((sum, { errorCount }) => sum + errorCount, 0);
    console.log(`src/${name}: ${results.length} files, ${errors} errors`);
    if (errors > 0) console.log(await formatter.format(results));
    emit(errors === 0 ? 'step_completed' : 'step_failed', `lint/${name}`);
    clean &&= errors === 0;
  }
  return clean;
}

/** The runner says which file it begins and how it ended: `# Subtest: FILE`, `ok 3 - FILE`. */
async function runTests() {
  const status = await run('tap', ['--reporter=tap', '--jobs=1', ...testFiles], (line) => {
    const [, started] = /^# Subtest: (.*)$/.exec(line) ?? [];
    const [, no, ended] = /^(not )?ok \d+ - (.*?)(?: # .*)?$/.exec(line) ?? [];
    if (testFiles.includes(started)) emit('step_started', started);
    if (testFiles.includes(ended)) emit(no ? 'step_failed' : 'step_completed', ended);
  });
  return status === 0;
}

/** A program of node_modules; its lines are printed, and handed to `onLine`. */
function run(program, args, onLine) {
  const child = spawn(`${root}node_modules/.bin/${program}`, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  createInterface({ input: child.stdout }).on('line', (line) => {
    console.log(line);
    onLine?.(line);
  });
  return new Promise((resolve) => child.once('close', resolve));
}
