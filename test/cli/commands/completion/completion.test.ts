import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Test } from 'tap';
import t from 'tap';
import type { Command } from '../../../../src/cli/command.js';
import type { CommandPosition } from '../../../../src/cli/commands/completion/position.js';
import { findPosition } from '../../../../src/cli/commands/completion/position.js';
import type { Option, CommandShape } from '../../../../src/cli/commands/completion/shapes.js';
import { shapeOf, VERSION_OPTION } from '../../../../src/cli/commands/completion/shapes.js';
import { executionCandidates } from '../../../../src/cli/commands/completion/values.js';
import { COMMANDS, dispatch } from '../../../../src/cli/dispatch.js';
import { EVENT_TYPES } from '../../../../src/core/events/event.js';
import { executionToJson } from '../../../../src/core/execution.js';
import type { Home } from '../../../helpers/daemon.js';
import { NOTHING_INHERITED } from '../../../../src/platform/inherited.js';
import { createHome, PROGRESS } from '../../../helpers/daemon.js';
import { startRunHome } from '../../../helpers/runs.js';
import { makeExecution } from '../../../helpers/models.js';
import { openTmux } from '../../../helpers/tmux.js';
import { whyNo } from '../../../helpers/needs.js';

const SHELLS = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof SHELLS)[number];

/** Descriptions for fish: a kind, and values with their descriptions. */
async function answer(home: Home, ...words: string[]): Promise<{ kind: string; values: Map<string, string> }> {
  const { status, stdout, stderr } = await home.invoke(['completion', 'fish', '--', ...words]);
  if (status !== 0 || stderr !== '') throw new Error(`status ${status}: ${stderr}`);
  const [kind = '', ...lines] = stdout.trimEnd().split('\n');
  return { kind, values: new Map(lines.map((line) => line.split('\t') as [string, string])) };
}

function option(name: string, more: Partial<Option> = {}): Option {
  return {
    ...{ name, description: '', choices: [], many: false, spellings: [`--${name}`], takesValue: false },
    ...more,
  };
}

t.test('the words before the end determine what is completed', async (t) => {
  const shape: CommandShape = {
    positionals: [
      { name: 'type', description: '', choices: [], many: false },
      { name: 'pairs', description: '', choices: [], many: true },
    ],
    options: [option('json'), option('step', { takesValue: true }), option('tag', { takesValue: true, many: true })],
  };
  const at = (...words: string[]) => describe(findPosition(shape, words.slice(0, -1), words.at(-1) ?? ''));
  t.equal(at(''), 'type');
  t.equal(at('a', ''), 'pairs');
  t.equal(at('a', 'b', 'c', ''), 'pairs');
  t.equal(at('--json', ''), 'type');
  t.equal(at('--step', ''), 'step');
  t.equal(at('--step', '-'), 'step', 'also if it begins with a dash');
  t.equal(at('--step', 'x', ''), 'type');
  t.equal(at('--step=x', ''), 'type');
  t.equal(at('--step='), 'step behind --step=');
  t.equal(at('--step=a,b'), 'step behind --step=', 'it takes one');
  t.equal(at('--tag=a,b'), 'tag behind --tag=a,');
  t.equal(at('--tag', 'a,b,'), 'tag behind a,b,');
  t.equal(at('--json='), 'nothing', 'it takes none');
  t.equal(at('--unknown='), 'nothing');
  t.equal(at('--'), 'options json step tag');
  t.equal(at('a', '--json', '--step=x', '--tag=y', '--'), 'options tag', 'those that were given are not offered again');
  t.equal(at('--', '-'), 'type', 'behind -- nothing is an option');
  const bare: CommandShape = { ...shape, positionals: [] };
  t.equal(describe(findPosition(bare, [], '')), 'options json step tag', 'where nothing else can stand');
  t.equal(describe(findPosition(bare, ['--'], '')), 'nothing');
});

function describe(position: CommandPosition): string {
  if (position.kind === 'value') return position.of.name + (position.prefix === '' ? '' : ` behind ${position.prefix}`);
  return position.kind === 'options' ? `options ${position.options.map(({ name }) => name).join(' ')}` : position.kind;
}

t.test('IDs have their names, names their IDs, and control characters are excluded', async (t) => {
  const values = (...given: Parameters<typeof makeExecution>[0][]) =>
    executionCandidates(given.map((each) => executionToJson(makeExecution(each))));
  t.strictSame(values({ id: 'a', name: 'x y' }, { id: 'b', name: 'b', status: 'failed' }, { id: 'c', name: 'x y' }), [
    { value: 'a', description: 'x y, running' },
    { value: 'b', description: 'b, failed' },
    { value: 'c', description: 'x y, running' },
    { value: 'x y', description: 'a, running' },
  ]);
  const hostile = ['a\u001b[31mb', 'a\nb', 'a\tb', '--json', 'a\u202eb', 'x'.repeat(500), 'a\u009b', ''];
  for (const name of hostile) {
    const [id, ...more] = values({ id: 'a', name });
    t.strictSame(more, [], JSON.stringify(name));
    t.notMatch(id?.description, /[\u0000-\u001f\u007f-\u009f\u202e]|x{100}/, JSON.stringify(name));
  }
});

async function loadCommands(): Promise<Map<string, Command>> {
  const loaded = Object.entries(COMMANDS).map(async ([name, load]) => [name, await load()] as const);
  return new Map(await Promise.all(loaded));
}

t.test('options, values and descriptions are those of --help, for every command', async (t) => {
  const home = createHome(t);
  const context = { paths: home.paths, env: home.env, inherited: NOTHING_INHERITED, rest: [], commands: {} };
  const commands = await loadCommands();
  const printed = t.capture(console, 'log', () => undefined);
  for (const [name, command] of commands) {
    const { options, positionals } = shapeOf(command);
    await dispatch([name, '--help'], context);
    const help = printed()
      .map(({ args }) => args.join(' '))
      .join('\n')
      .replace(/\s+/g, ' ');
    const shown = [...help.matchAll(/ (--[\w-]+|-\w)\b/g)].map(([, spelling = '']) => spelling);
    t.ok(help.includes(command.describe), `${name} is described`);
    // the help of a command lists the version too, which precedes commands
    const offered = [...options, VERSION_OPTION].flatMap(({ spellings }) => spellings);
    t.strictSame([...new Set(offered)].sort(), [...new Set(shown)].sort(), name);
    for (const { name: argument, choices } of [...positionals, ...options]) {
      t.ok(help.includes(argument), `${name} ${argument}`);
      for (const choice of choices) t.match(help, new RegExp(`choices: [^\\]]*"${choice}"`), `${name} ${choice}`);
    }
  }
  const { kind, values } = await answer(home, '');
  t.equal(kind, 'values');
  const described = [...commands].map(([name, { describe }]) => [name, describe]);
  const builtIn = [
    ['help', 'Show the options of a command'],
    ['version', 'Show the version'],
  ];
  t.strictSame([...values].sort(), [...described, ...builtIn].sort());
  t.strictSame([...(await answer(home, 'help', '')).values.keys()], [...values.keys()]);
  t.strictSame([...(await answer(home, '-')).values.keys()], ['--help', '-h', '--version', '-V']);
  t.strictSame(
    [...(await answer(home, 'ps', '-')).values.keys()],
    ['--all', '-a', '--by', '--sort', '--columns', '--watch', '--json', '--help', '-h'],
  );
  t.strictSame(
    [...(await answer(home, 'daemon', '')).values.keys()],
    ['run', 'start', 'status', 'stop', 'restart', 'unit'],
  );
});

t.test('event types, levels, streams, keys and files are completed where they belong', async (t) => {
  const home = createHome(t);
  const keys = async (...words: string[]) => [...(await answer(home, ...words)).values.keys()];
  t.strictSame(await keys('emit', ''), [...EVENT_TYPES]);
  t.strictSame(await keys('logs', '--type', ''), ['all', ...EVENT_TYPES]);
  t.ok((await keys('logs', '--type=log,')).includes('--type=log,output'));
  t.strictSame(await keys('logs', '--level', ''), ['debug', 'info', 'warning', 'error']);
  t.strictSame(await keys('logs', '--stream', ''), ['stdout', 'stderr', 'debug', 'system']);
  t.ok((await keys('prune', '--status', '')).includes('failed'));
  t.ok((await keys('prune', '--kind', '')).includes('agent'));
  t.equal((await answer(home, 'export', 'x', '-o', '')).kind, 'files');
  t.match((await answer(home, 'config', 'get', '')).values.get('journal.sync'), /^When written events/);
  t.ok((await answer(home, 'config', 'set', '')).values.has('journal.sync'));
  t.strictSame(await keys('config', 'set', 'journal.sync', ''), ['interval', 'always', 'never']);
  t.strictSame(await keys('config', 'set', 'web.enabled', ''), ['true', 'false']);
  t.strictSame(await keys('config', 'get', 'journal.sync', ''), []);
  t.equal((await answer(home, 'config', 'check', '')).kind, 'files');
  t.strictSame(await keys('config', 'path', ''), []);
  t.equal((await answer(home, 'run', 'ma')).kind, 'program 2');
  t.equal((await answer(home, 'run', '--name', 'x', '--', 'make', '-')).kind, 'program 5');
  t.strictSame(await keys('run', '--name', ''), []);
  t.strictSame(await keys('nothing', ''), []);
  t.strictSame(await keys('__proto__', ''), []);
});

t.test('runs, queues and signals are completed for commands that control runs', async (t) => {
  const home = await startRunHome(t);
  const keys = async (...words: string[]) => [...(await answer(home, ...words)).values.keys()];
  const ended = await home.start([], 'true');
  await home.until(ended, 'completed');
  const running = await home.start(['--queue', 'build', '--name', 'compile'], 'sleep', '300');
  await home.until(running, 'running');
  const client = await home.connect();
  await client.call('emit', { event: { type: 'execution_started', execution: 'foreign' } });
  await client.call('emit', { event: { type: 'queue_changed', name: '-rf', slots: 2 } });
  await client.close();
  for (const verb of ['stop', 'pause', 'resume']) {
    t.strictSame(await keys(verb, ''), [running, 'compile'], `${verb}: those that take orders`);
    t.strictSame(await keys(verb, running, ''), ['compile'], 'named runs are not offered again');
  }
  t.strictSame(new Set(await keys('wait', '')), new Set(['foreign', ended, running, 'true', 'compile']));
  t.strictSame(await keys('queue', ''), ['list', 'set', 'pause', 'resume', 'move', 'clear', 'remove']);
  for (const words of [['stats'], ['run', '--name']]) {
    t.strictSame([...(await answer(home, ...words, '')).values], [['true', '1 finished run']], words.join(' '));
  }
  for (const words of [
    ['queue', 'set'],
    ['stop', '--queue'],
    ['run', '--queue'],
  ]) {
    t.strictSame([...(await answer(home, ...words, '')).values], [['build', '1 running, 0 waiting']], words.join(' '));
  }
  t.ok((await keys('run', '--after', '')).includes(running));
  const signals = await keys('stop', '--signal', '');
  for (const name of ['TERM', 'HUP', 'USR1']) t.ok(signals.includes(name), name);
});

t.test('without a daemon there are no IDs and no error, and none is started', async (t) => {
  const home = createHome(t);
  writeFileSync(home.paths.config, 'wrong: 1\n');
  const silent = { status: 0, stderr: '' };
  t.match(await home.invoke(['completion', 'bash', '--', 'progress show a', 'a']), { ...silent, stdout: '' });
  t.match(await home.invoke(['completion', 'zsh', '--', 'show', '']), { ...silent, stdout: '' });
  t.match(await home.invoke(['completion', 'fish', '--', 'show', '']), { ...silent, stdout: '' });
  t.match(await home.invoke(['completion', 'bash', '--']), { ...silent, stdout: /complete -F/ });
  t.notOk(existsSync(home.paths.state));
});

t.test('a daemon that hangs does not hang the shell', async (t) => {
  const home = createHome(t);
  const { pid } = await home.startDaemon();
  process.kill(pid, 'SIGSTOP');
  const started = Date.now();
  t.match(home.progress(['completion', 'fish', '--', 'show', '']), { status: 0, stdout: '', stderr: '' });
  t.ok(Date.now() - started < 30_000, `it took ${Date.now() - started} ms`);
});

t.test('another shell is refused with 64', async (t) => {
  const home = createHome(t);
  t.match(await home.invoke(['completion', 'tcsh']), { status: 64, stdout: '', stderr: /tcsh/ });
  t.equal((await home.invoke(['completion'])).status, 64);
});

/** A name that creates a file in the working directory of a shell that runs it. Short, since long names are cut. */
const HOSTILE = '$(touch pwned)`touch pwned` "q"; \\ * ~';

/** Executions with names that need quotes. */
async function createExecutions(home: Home): Promise<void> {
  await home.startDaemon();
  const client = await home.connect();
  const executions = {
    'id-alpha-1': 'name with space',
    "quo'te:x": HOSTILE,
    'ctl-id': 'ctl-\u001b[31m\u0007name',
    other: '-rf',
  };
  for (const [execution, name] of Object.entries(executions)) {
    await client.call('emit', { event: { type: 'execution_started', execution, data: { name } } });
  }
  await client.close();
}

const STARTS: Readonly<Record<Shell, [command: string, setup: string]>> = {
  bash: ['bash --norc -i', 'eval "$(progress completion bash)"'],
  zsh: ['zsh -f -i', 'autoload -Uz compinit; compinit -D; eval "$(progress completion zsh)"'],
  fish: ['fish --no-config -i', 'function fish_prompt; echo "ready> "; end; progress completion fish | source'],
};

/** Text that is typed before Tab, and the words that the shell has then. */
function lines(): [typed: string, words: string[]][] {
  return [
    ['sh', ['show']],
    ['show id-al', ['show', 'id-alpha-1']],
    ['show na', ['show', 'name with space']],
    ["watch 'na", ['watch', 'name with space']],
    ['logs "name w', ['logs', 'name with space']],
    ['show quo', ['show', "quo'te:x"]],
    [`watch "quo'te:`, ['watch', "quo'te:x"]],
    ["show '$(t", ['show', HOSTILE]],
    ['watch \\$\\(', ['watch', HOSTILE]],
    ['show ctl-', ['show', 'ctl-id']],
    ['emit step_sta', ['emit', 'step_started']],
    ['logs --type=log,outp', ['logs', '--type=log,output']],
    ['logs --level w', ['logs', '--level', 'warning']],
    ['config check my', ['config', 'check', 'my config.yaml']],
    ['run -- cat my', ['run', '--', 'cat', 'my config.yaml']],
  ];
}

function whyNotInteractive(shell: Shell): string | false {
  return whyNo(shell) || whyNo('tmux');
}

async function openShell(t: Test, shell: Shell, home: Home, setup = STARTS[shell][1]) {
  const link = t.fixture('symlink', PROGRESS);
  const bin = t.testdir({ progress: link, progressd: link });
  const env = { PROGRESS_HOME: home.directory, PATH: `${bin}:${process.env['PATH'] ?? ''}` };
  const tmux = await openTmux(t, { columns: 200, rows: 50 }, env);
  const [command] = STARTS[shell];
  await tmux.enter(`cd ${home.directory} && exec ${command}`);
  await tmux.enter(`${setup}; echo set u''p`);
  await tmux.see(/^set up/m);
  return tmux;
}

t.test('a zsh that has loaded no completion loads it', { skip: whyNotInteractive('zsh') }, async (t) => {
  const home = createHome(t);
  const tmux = await openShell(t, 'zsh', home, 'eval "$(progress completion zsh)"');
  // loaded before the prompt
  await tmux.see(/^set up\s+ready>/m);
  await tmux.key('progressd ver');
  await tmux.key('Tab');
  await tmux.key('C-a');
  await tmux.enter("printf '<%s>' ");
  t.match(await tmux.see(/^<progressd><version>/m), /^set up/m);
});

for (const shell of SHELLS) {
  t.test(
    `${shell} completes ids, names and types, quotes what needs it, and runs nothing`,
    { skip: whyNotInteractive(shell) },
    async (t) => {
      const home = createHome(t);
      writeFileSync(path.join(home.directory, 'my config.yaml'), '');
      await createExecutions(home);
      const tmux = await openShell(t, shell, home);
      for (const [typed, words] of lines()) {
        await tmux.key(`progress ${typed}`);
        await tmux.key('Tab');
        await tmux.key('C-a');
        await tmux.enter("printf '<%s>' ");
        const expected = ['progress', ...words].map((word) => `<${word}>`).join('');
        await tmux.see(new RegExp(expected.replace(/[^\w<>]/g, '\\$&')));
        t.pass(typed);
      }
      await tmux.enter('clear');
      await tmux.key('progress show ');
      await tmux.key('Tab');
      await tmux.key('Tab');
      const list = await tmux.see(shell === 'bash' ? /^ctl-id\s/m : /id-alpha-1 .*name with space, (?:running|quiet)/);
      t.notMatch(list, /-rf(?!,)/, 'what looks like an option is left out');
      t.notOk(existsSync(path.join(home.directory, 'pwned')), 'nothing was run');
    },
  );
}
