/** Follows CONTRIBUTING.md in a copy of the sources: adds one of each thing to the files that its table names. */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { createHome, ROOT } from './helpers/daemon.js';

/** An edit of one file: `text` is the whole of a new file, or is inserted before `before`, which occurs once. */
interface Edit {
  file: string;
  text: string;
  before?: string;
  /** The compiler demands this entry once the others exist. The table has its file in bold. */
  isDemanded?: true;
}

interface Addition {
  /** First column of the table. */
  row: string;
  /** Name of the added thing: replaces VERB, OP and NAME in the paths of the table. */
  name: string;
  edits: Edit[];
}

const PLACEHOLDER = /\b(?:VERB|OP|NAME)\b/;

const ADDITIONS: readonly Addition[] = [
  {
    row: 'a command',
    name: 'greet',
    edits: [
      {
        file: 'src/cli/commands/greet.ts',
        text: `import { defineCommand } from '../command.js';
import { printLines } from '../shared/output.js';

export const command = defineCommand({
  verb: 'greet',
  describe: 'Print a greeting',
  positionals: { who: { required: true, describe: 'Name to greet' } },
  options: {},
  async run({ who }) {
    await printLines([\`hello \${who}\`]);
    return 0;
  },
});
`,
      },
      {
        file: 'src/cli/dispatch.ts',
        before: '  emit: async () =>',
        text: "  greet: async () => (await import('./commands/greet.js')).command,\n",
      },
    ],
  },
  {
    row: 'an option of a command',
    name: 'stop',
    edits: [
      {
        file: 'src/cli/commands/stop.ts',
        before: "    kill: { type: 'boolean',",
        text: "    silent: { type: 'boolean', describe: 'Print nothing' },\n",
      },
    ],
  },
  {
    row: 'a field of a request',
    name: 'get',
    edits: [
      { file: 'src/api/requests.ts', before: ' } },\n  log: {\n', text: ", brief: flag('Leave out the steps.')" },
      {
        file: 'src/daemon/requests/get.ts',
        before: '  return { execution',
        text: '  if (request.brief) return { execution: { ...toReply(execution, context.state), steps: [] }, seq };\n',
      },
    ],
  },
  {
    row: 'a field of a reply',
    name: 'queues',
    edits: [
      { file: 'src/api/replies.ts', before: '  queues: QueueView[];\n', text: '  seq: number;\n' },
      {
        file: 'src/daemon/requests/queues.ts',
        before: ' queues: queueViews(',
        text: ' seq: state.seq,',
        isDemanded: true,
      },
    ],
  },
  {
    row: 'a field of the status',
    name: 'platform',
    edits: [
      { file: 'src/api/status.ts', before: '  /** Memory in bytes. */\n  rss', text: '  platform: string;\n' },
      {
        file: 'src/daemon/status.ts',
        before: '    rss: process.memoryUsage',
        text: '    platform: process.platform,\n',
        isDemanded: true,
      },
    ],
  },
  {
    row: 'a request',
    name: 'ping',
    edits: [
      {
        file: 'src/api/requests.ts',
        before: "  status: { summary: 'Return the status",
        text: "  ping: { summary: 'Return a text.', fields: { text: required(text('The text.')) } },\n",
      },
      {
        file: 'src/api/replies.ts',
        before: '  shutdown: EmptyReply;\n',
        text: '  ping: { text: string };\n',
        isDemanded: true,
      },
      {
        file: 'src/daemon/requests/ping.ts',
        text: `import type { PlainHandler } from './request-context.js';

export const handlePing: PlainHandler<'ping'> = ({ text }) => ({ text });
`,
      },
      {
        file: 'src/daemon/requests/handlers.ts',
        before: "import { handlePrune } from './prune.js';\n",
        text: "import { handlePing } from './ping.js';\n",
      },
      {
        file: 'src/daemon/requests/handlers.ts',
        before: '  emit: handleEmit,\n',
        text: '  ping: handlePing,\n',
        isDemanded: true,
      },
    ],
  },
  {
    row: 'an event type',
    name: 'execution_rated',
    edits: [
      { file: 'src/core/events/event.ts', before: "  'run_described',\n", text: "  'execution_rated',\n" },
      {
        file: 'src/core/events/event-data.ts',
        before: '  run_described: {',
        text: '  execution_rated: { model?: string };\n',
        isDemanded: true,
      },
      {
        file: 'src/core/events/log.ts',
        before: '    run_described:',
        text: '    execution_rated: unknownDrafts,\n',
        isDemanded: true,
      },
      {
        file: 'src/core/fold.ts',
        before: '    run_described: describeRun,\n',
        text: '    execution_rated: () => undefined,\n',
        isDemanded: true,
      },
    ],
  },
  {
    row: 'a name of another vocabulary',
    name: 'task_noted',
    edits: [
      {
        file: 'src/core/events/event-alias-table.ts',
        before: '  story_started: {\n',
        text: "  task_noted: { ...TASK, type: 'log', fields: { note: 'message' } },\n",
      },
    ],
  },
  {
    row: 'a format of output for people',
    name: 'dots',
    edits: [
      {
        file: 'src/formats/dots.ts',
        text: `import type { Parser } from './parser.js';

export function createDots(): Parser {
  return {
    line: (text) => (/^\\.+$/.test(text) ? [{ type: 'progress', data: { current: text.length } }] : []),
    end: () => [],
  };
}
`,
      },
      {
        file: 'src/formats/text-formats.ts',
        before: "import { createGoTest } from './go-test.js';\n",
        text: "import { createDots } from './dots.js';\n",
      },
      {
        file: 'src/formats/text-formats.ts',
        before: "  {\n    name: 'osc',\n",
        text: "  { name: 'dots', kind: 'text', describe: 'a row of dots: their number', marks: ['.'], create: createDots },\n",
      },
    ],
  },
  {
    row: 'a coding agent',
    name: 'nova',
    edits: [
      { file: 'src/core/agents.ts', before: '  claude: {', text: "  nova: { title: 'Nova', interactive: 'nova' },\n" },
      {
        file: 'src/agents/nova/agent.ts',
        text: `import path from 'node:path';
import type { AgentDefinition } from '../agent.js';
import * as common from '../hook-actions.js';

const create = () => ({ line: () => undefined, end: () => [] });
const events = { Start: common.SESSION_START, End: common.SESSION_END };

export const NOVA: AgentDefinition = {
  stream: { name: 'nova', kind: 'stream', describe: 'nova --json', isProgram: (name) => name === 'nova', create },
  transcript: { name: 'nova-transcript', kind: 'transcript', describe: 'session files of Nova', create },
  hooks: {
    events,
    recordCall: (recorder, { id, name, input }) => recorder.call({ id, tool: name, input }),
    recordResult: common.recordToolResult,
    unfinished: common.LOST,
  },
  settings: {
    file: 'settings.json',
    events: () => Object.keys(events),
    handler: { type: 'command', timeout: 10 },
    advice: [],
  },
  sessions: { directory: 'sessions', isDirectory: (parts) => parts.length === 0, identify: () => undefined },
  directory: (_env, home) => path.join(home, '.nova'),
  packagePath: '/nova/',
  hasOneSession: false,
};
`,
      },
      {
        file: 'src/agents/registry.ts',
        before: 'import type { AgentHooks, HookEvent } from',
        text: "import { NOVA } from './nova/agent.js';\n",
      },
      { file: 'src/agents/registry.ts', before: 'claude: CLAUDE, ', text: 'nova: NOVA, ', isDemanded: true },
    ],
  },
  {
    row: 'an alert channel',
    name: 'pager',
    edits: [
      {
        file: 'src/config/channel-schema.ts',
        before: '/** Desktop notifications and the bell',
        text: "export interface PagerConfig extends ChannelBase {\n  readonly type: 'pager';\n  readonly number: string;\n}\n\n",
      },
      { file: 'src/config/channel-schema.ts', before: ' WebhookConfig | EmailConfig', text: ' PagerConfig |' },
      {
        file: 'src/config/channel-schema.ts',
        before: 'function givenOf(',
        text: `const PAGER: ValueType<PagerConfig> = group({
  type: v.literal('pager'),
  ...BASE,
  number: text('a number', 'The number to call.', (value) => /^\\d{1,20}$/.test(value)),
});

`,
      },
      { file: 'src/config/channel-schema.ts', before: ' webhook: WEBHOOK, ', text: ' pager: PAGER,' },
      {
        file: 'src/alerts/channels/pager.ts',
        text: `import type { PagerConfig } from '../../config/channel-schema.js';
import type { AlertChannel } from '../channel.js';

export function createPager(name: string, { number }: PagerConfig): AlertChannel {
  return {
    name,
    type: 'pager',
    send: () => Promise.resolve({ outcome: 'failed', error: \`\${number} is busy\` }),
  };
}
`,
      },
      {
        file: 'src/alerts/channels/create.ts',
        before: "import { Undeliverable } from './undeliverable.js';\n",
        text: "import { createPager } from './pager.js';\n",
      },
      {
        file: 'src/alerts/channels/create.ts',
        before: "    case 'webhook':\n",
        text: "    case 'pager':\n      return createPager(name, config);\n",
        isDemanded: true,
      },
    ],
  },
  {
    row: 'an alert condition',
    name: 'host',
    edits: [
      {
        file: 'src/api/conditions.ts',
        before: '  readonly queue?:',
        text: '  readonly host?: readonly string[];\n',
      },
      {
        file: 'src/config/alert-schema.ts',
        before: '    queue: v.exactOptional(',
        text: "    host: v.exactOptional(globs('Patterns of the name of the host.')),\n",
      },
      {
        file: 'src/alerts/matcher.ts',
        before: "  queue: (patterns) => [like('queue',",
        text: "  host: (patterns) => [like('host', patterns, ({ process: { host } = {} }) => host)],\n",
        isDemanded: true,
      },
      {
        file: 'src/alerts/condition-text.ts',
        before: "  queue: oneOf('queue'),\n",
        text: "  host: oneOf('host'),\n",
        isDemanded: true,
      },
      {
        file: 'src/alerts/rules.ts',
        before: "  if (resource) return ['resource_update'];\n",
        text: "  if (when.host) return ['execution_started'];\n",
      },
    ],
  },
  {
    row: 'a secret of a program',
    name: 'vaultctl',
    edits: [
      {
        file: 'src/core/mask/secret-commands.ts',
        before: "  {\n    programs: ['sshpass'],\n",
        text: "  { programs: ['vaultctl'], options: ['-k'], examples: { 'vaultctl -k hunter2': 'vaultctl -k ***' } },\n",
      },
    ],
  },
  {
    row: 'a shell',
    name: 'nu',
    edits: [
      { file: 'src/platform/paths.ts', before: "'fish'] as const", text: "'nu', " },
      {
        file: 'src/platform/paths.ts',
        before: '    fish: path.join(',
        text: "    nu: path.join(xdgBase(env, 'XDG_CONFIG_HOME', '.config'), 'nushell/config.nu'),\n",
        isDemanded: true,
      },
      { file: 'hooks/progress.nu', text: '# hooks of nu\n' },
      {
        file: 'src/cli/commands/setup/rc-block.ts',
        before: '  fish: {\n',
        text: "  nu: posixCode('nu'),\n",
        isDemanded: true,
      },
      {
        file: 'src/cli/commands/completion/scripts.ts',
        before: ' fish: FISH',
        text: " nu: '# none\\n',",
        isDemanded: true,
      },
      {
        file: 'src/cli/commands/completion/completion.ts',
        before: "'zsh' | 'fish', words",
        text: "'nu' | ",
        isDemanded: true,
      },
    ],
  },
  {
    row: 'a configuration key',
    name: 'watch.width',
    edits: [
      {
        file: 'src/config/schema.ts',
        before: "rate: withDefault(count(1, 60, 'Updates per second",
        text: "width: withDefault(count(20, 500, 'Columns of a display.'), 80), ",
      },
    ],
  },
  {
    row: 'a tab of the full screen',
    name: 'hints',
    edits: [
      {
        file: 'src/terminal/tui/tabs/hints.ts',
        text: `import { ScrollingPage } from './scrolling.js';
import type { TabContext } from './tab-context.js';

export function createHintsTab({ id }: TabContext): ScrollingPage {
  return new ScrollingPage(() => [\`progress show \${id}\`]);
}
`,
      },
      {
        file: 'src/terminal/tui/tabs/tab.ts',
        before: "import { createLogTab } from './log.js';\n",
        text: "import { createHintsTab } from './hints.js';\n",
      },
      {
        file: 'src/terminal/tui/tabs/tab.ts',
        before: "  details: { title: 'Details'",
        text: "  hints: { title: 'Hints', isFor: () => true, create: createHintsTab },\n",
      },
    ],
  },
  {
    row: 'a tab of the viewer',
    name: 'notes',
    edits: [
      {
        file: 'viewer/tabs/notes.tsx',
        text: `import type { TabProps } from './tab-props.js';

export function NotesTab({ execution }: TabProps) {
  return <p>{execution.name}</p>;
}
`,
      },
      {
        file: 'viewer/tabs/tabs.tsx',
        before: "  { id: 'timeline', ",
        text: "  { id: 'notes', label: 'Notes', View: onDemand(async () => (await import('./notes.js')).NotesTab) },\n",
      },
    ],
  },
];

/** Files that a row of the table names. */
interface Row {
  /** Of its columns "write" and "register in". */
  sources: string[];
  /** In bold. */
  demanded: string[];
  /** Of its column "then". */
  others: string[];
}

const GUIDE = readFileSync(path.join(ROOT, 'CONTRIBUTING.md'), 'utf8');

function rowOf({ row, name }: Pick<Addition, 'row' | 'name'>): Row {
  const line = GUIDE.split('\n').find((each) => each.startsWith(`| ${row} | `)) ?? '';
  const [, write = '', register = '', then = ''] = line.split(' | ');
  return {
    sources: filesIn(`${write} ${register}`, name),
    demanded: filesIn([...line.matchAll(/\*\*[^*]+\*\*/g)].join(' '), name),
    others: filesIn(then, name),
  };
}

/** Paths of files, and of manual pages such as progress-events(7), in the order of their names. */
function filesIn(text: string, name: string): string[] {
  const paths = [...text.matchAll(/`([\w.-]+\/[\w./-]+\.\w+)`/g)].map(([, file = '']) => file);
  const pages = [...text.matchAll(/\b(progress[\w-]*)\((\d)\)/g)].map(([, page, number]) => `man/${page}.${number}`);
  return inOrder([...paths, ...pages].map((file) => file.replace(PLACEHOLDER, name)));
}

const inOrder = (files: readonly string[]): string[] => [...new Set(files)].sort();

function copySources(directory: string): void {
  const programs = readdirSync(ROOT).filter((name) => name.endsWith('.mjs'));
  for (const name of [...programs, 'bin', 'hooks', 'package.json', 'src', 'tsconfig.json', 'viewer'])
    cpSync(path.join(ROOT, name), path.join(directory, name), { recursive: true });
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(directory, 'node_modules'));
  // one compilation of the program and the viewer
  const include = ['src', 'viewer'];
  const compilerOptions = { rootDir: '.' };
  writeFileSync(
    path.join(directory, 'tsconfig.all.json'),
    JSON.stringify({ extends: './viewer/tsconfig.json', compilerOptions, include }),
  );
}

function apply(directory: string, { file, text, before }: Edit): void {
  const target = path.join(directory, file);
  if (before === undefined) {
    if (existsSync(target)) throw new Error(`${file} exists`);
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(target, text);
    return;
  }
  const parts = readFileSync(target, 'utf8').split(before);
  if (parts.length !== 2) throw new Error(`${file} has ${JSON.stringify(before)} ${parts.length - 1} times`);
  writeFileSync(target, parts.join(text + before));
}

/** @returns errors of the compiler, as `file(line,column): error ...` */
function compile(directory: string): string[] {
  const tsc = path.join(ROOT, 'node_modules/typescript/bin/tsc');
  const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.all.json'], {
    cwd: directory,
    encoding: 'utf8',
  });
  const errors = stdout.split('\n').filter((line) => /^\S+\(\d+,\d+\): error/.test(line));
  if (status !== 0 && errors.length === 0) throw new Error(`tsc: ${status} ${stdout}`);
  return errors;
}

const edits = ADDITIONS.flatMap((addition) => addition.edits);

for (const { row, name, edits: own } of ADDITIONS) {
  t.test(`CONTRIBUTING.md names the files of ${row}`, async (t) => {
    const { sources, demanded, others } = rowOf({ row, name });
    t.strictSame(inOrder(own.map(({ file }) => file)), sources);
    t.strictSame(inOrder(own.filter(({ isDemanded }) => isDemanded).map(({ file }) => file)), demanded, 'in bold');
    for (const file of others.filter((each) => !each.includes(name)))
      t.ok(existsSync(path.join(ROOT, file)), `${file} exists`);
  });
}

t.test('every file to change that src/README.md names exists', async (t) => {
  const map = readFileSync(path.join(ROOT, 'src/README.md'), 'utf8');
  const [, table = ''] = map.split('| to change | file |');
  t.ok([...table.matchAll(/^\| [^-]/gm)].length >= 10, 'the table is found');
  const [rows = ''] = table.split('\n\n');
  const files = [...rows.matchAll(/`([\w./-]+\.\w+)`/g)].map(([, file = '']) => file);
  t.ok(files.length >= 10, 'its files are found');
  for (const file of files) t.ok(existsSync(path.join(ROOT, 'src', file)), `src/${file} exists`);
});

t.test('a copy with one of each compiles, and the program has them', async (t) => {
  const home = createHome(t);
  const directory = path.join(home.directory, 'copy');
  copySources(directory);
  for (const edit of edits) apply(directory, edit);
  t.strictSame(compile(directory), []);
  const build = spawnSync(process.execPath, ['build.mjs'], { cwd: directory, encoding: 'utf8' });
  t.match(build, { status: 0 }, build.stderr);
  const run = (...args: string[]) =>
    spawnSync(path.join(directory, 'bin/progress'), args, { env: home.env, encoding: 'utf8' }).stdout;
  t.equal(run('greet', 'you'), 'hello you\n');
  t.equal(run('config', 'get', 'watch.width'), '80\n');
  t.match(run('stop', '--help'), '--silent');
  t.equal(run('completion', 'nu'), '# none\n');
  t.match(run('run', '--format', 'list'), /^dots /m);
});

t.test('a copy without the entries in bold does not compile', async (t) => {
  const directory = t.testdir();
  copySources(directory);
  for (const edit of edits.filter(({ isDemanded }) => !isDemanded)) apply(directory, edit);
  const errors = compile(directory);
  const demanded = edits.filter(({ isDemanded }) => isDemanded).map(({ file }) => file);
  for (const file of new Set(demanded)) {
    const count = demanded.filter((each) => each === file).length;
    const found = errors.filter((error) => error.startsWith(`${file}(`));
    t.ok(found.length >= count, `${file}: ${count} entries are missing`, { errors });
  }
});
