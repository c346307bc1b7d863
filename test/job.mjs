// A real job for `progress run --stream`: types, lint, and the tests of the parts that need no daemon. Each criterion of
// a story is a command, and passes when the command succeeds.
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

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
  {
    id: 'types',
    name: 'Types',
    criteria: [{ id: 'types/all', name: 'every file compiles under strict', command: ['node_modules/.bin/tsc'] }],
  },
  {
    id: 'lint',
    name: 'Lint',
    criteria: folders.map(({ name }) => ({
      id: `lint/${name}`,
      name: `src/${name}`,
      command: ['node_modules/.bin/oxlint', `src/${name}`],
    })),
  },
  {
    id: 'tests',
    name: 'Tests of the core and the protocol',
    criteria: testFiles.map((file) => ({
      id: file,
      name: file,
      command: [process.execPath, 'test/run.mjs', '--no-install', file],
    })),
  },
];

for (const story of stories) {
  emit('step_planned', story.id, { name: story.name, kind: 'story' });
  for (const { id, name } of story.criteria) emit('step_planned', id, { name, kind: 'criterion', parent: story.id });
}
let failed = false;
for (const { id, criteria } of stories) {
  emit('step_started', id);
  const passed = [];
  for (const criterion of criteria) passed.push(await check(criterion));
  emit(passed.every(Boolean) ? 'step_completed' : 'step_failed', id);
  failed ||= passed.includes(false);
}
emitter.stdin.end();
emitter.once('close', () => process.exit(failed ? 1 : 0));

async function check({ id, command: [program, ...args] }) {
  emit('step_started', id);
  const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  const status = await new Promise((resolve) => child.once('close', resolve));
  emit(status === 0 ? 'step_completed' : 'step_failed', id);
  return status === 0;
}
