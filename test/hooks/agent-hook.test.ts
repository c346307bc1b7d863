import { spawnSync } from 'node:child_process';
import { chmodSync, lstatSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Test } from 'tap';
import t from 'tap';
import type { EventData } from '../../src/core/events/event.js';
import { resolvePaths } from '../../src/platform/paths.js';
import { parseLine, toNewEvent } from '../../src/protocol/validate.js';
import { readHookCall } from '../../src/agents/hook-call.js';
import { ROOT } from '../helpers/daemon.js';
import { recordedTexts } from '../helpers/hook-calls.js';
import { BROKEN_SPOOLS } from '../helpers/hooked-shell.js';
import { SHELLS } from '../helpers/scripts.js';
import { readSpool, readSpoolFiles } from '../helpers/spool.js';
import { whyNo } from '../helpers/needs.js';

const HOOK = path.join(ROOT, 'hooks/claude-plugin/agent-hook');
const isRoot = process.getuid?.() === 0;
/** Much longer than it takes on a loaded machine, and much shorter than the timeout of an agent. */
const SOON_MS = 20_000;

const RECORDINGS = ['claude-hooks/rec-2.1.197-full', 'codex-hooks/rec-0.169.0-agent', 'gemini-hooks/rec-0.61.0'];
const recorded = RECORDINGS.flatMap((name) => recordedTexts(name) ?? []);

function createCaller(t: Test, command: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const home = t.testdir({});
  const all = { ...process.env, PROGRESS_HOME: home, PROGRESS_EXECUTION: undefined, ...env };
  const paths = resolvePaths(all);
  return {
    paths,
    /** The hook is silent, successful and quick for any input. */
    call: (input: string | Buffer, about = 'it') => {
      const [file = '', ...args] = command;
      const started = performance.now();
      const { status, stdout, stderr } = spawnSync(file, [...args, HOOK, 'claude'], { input, env: all });
      const shown = { status, stdout: stdout.toString(), stderr: stderr.toString() };
      t.strictSame(shown, { status: 0, stdout: '', stderr: '' }, `${about} is silent and succeeds`);
      t.ok(performance.now() - started < SOON_MS, `${about} is soon done`);
    },
    /** Events of the calls, without the lines that name the files of long ones. */
    data: (): EventData[] =>
      readSpool({ paths })
        .map((line) => toNewEvent(parseLine(JSON.stringify(line), 1)).data)
        .filter((each) => each['file'] === undefined),
  };
}

for (const { name, command, skip } of SHELLS) {
  t.test(`writes each recorded call as one unchanged line, in ${name}`, { skip }, async (t) => {
    const { call, data } = createCaller(t, command);
    recorded.forEach((text, index) => call(text, `call ${index}`));
    const payloads = data().map((each) => each['payload']);
    t.strictSame(
      payloads,
      recorded.map((text): unknown => JSON.parse(text)),
    );
  });

  t.test(`keeps key order, escapes and characters, in ${name}`, { skip }, async (t) => {
    const { call, data } = createCaller(t, command);
    const fields = [
      [
        'tool_input',
        { command: 'printf \'%s\\n\' "$HOME" `id` $(id) \\u0000 \u001b[31m', deep: [[[{}]]], 'ü"\\': '漢🎉' },
      ],
      ['hook_event_name', 'PreToolUse'],
      ['session_id', 's1'],
    ];
    const text = JSON.stringify(Object.fromEntries(fields));
    call(text);
    call(`\n${JSON.stringify(JSON.parse(text), undefined, 2)}\n`, 'one in several lines');
    const calls = data().map(readHookCall);
    for (const each of calls) t.strictSame(each?.fields, JSON.parse(text));
    t.equal(calls.length, 2);
  });

  t.test(`keeps garbage apart from the lines of others, in ${name}`, { skip }, async (t) => {
    const { call, data, paths } = createCaller(t, command);
    const bytes = Buffer.from(Array.from({ length: 5_000 }, (_, index) => (index * 7) % 256));
    for (const input of ['', '\n', 'words', '{', '"', '{"a":', bytes, '}{\n}{', '\0{}', '{}\n{}']) call(input);
    t.equal(data().length, 10);
    t.ok(data().every((each) => readHookCall(each) === undefined));
    // fields of the line itself follow the payload
    call('{}},"type":"execution_failed","data":{"payload":{}', 'a forged one');
    const forged = [...readSpoolFiles({ paths }).values()].join('').trimEnd().split('\n').at(-1);
    t.match(forged, /"type":"agent_hook","agent":"claude","pid":\d+[^{}]*\}$/);
  });

  t.test(
    `reads a payload that is too long to its end, and keeps its beginning and end, in ${name}`,
    { skip },
    async (t) => {
      const { call, data, paths } = createCaller(t, command);
      const text = (size: number) =>
        JSON.stringify({
          ...{ session_id: 's1', hook_event_name: 'PostToolUse', tool_name: 'Read', tool_input: { file_path: 'a.ts' } },
          ...{ tool_response: { file: { content: 'xyz "\\\n'.repeat(size / 10) } }, tool_use_id: 't1' },
        });
      for (const size of [5_000, 90_000, 150_000, 10_000_000]) call(text(size), `${size} bytes`);
      const calls = data().map(readHookCall);
      t.equal(calls.length, 4);
      for (const each of calls) {
        t.match(each, { session: 's1', event: 'PostToolUse', fields: { tool_use_id: 't1', tool_name: 'Read' } });
      }
      const [files, shared] = [[...readSpoolFiles({ paths })], readSpoolFiles({ paths }).get('shared.ndjson') ?? ''];
      const own = files.filter(([file]) => !file.startsWith('shared'));
      const named = shared
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as { data: { file: string } }).data.file);
      t.strictSame(
        named.sort(),
        own.map(([file]) => path.basename(file, '.ndjson')),
        'the shared file names each',
      );
      t.ok(
        own.every(([file]) => /^hook-\d+-\d+\.ndjson$/.test(file)),
        'each in a file of its own',
      );
      t.ok(files.every(([, line]) => line.length < 256 * 1024));
    },
  );
}

t.test('records the environment of the call', async (t) => {
  const { call, data } = createCaller(t, ['sh'], { PROGRESS_EXECUTION: '7hq2m4kd9x' });
  call('{}');
  t.match(data(), [{ within: '7hq2m4kd9x', agent: 'claude', pid: process.pid }]);
  const odd = createCaller(t, ['sh'], { PROGRESS_EXECUTION: 'a"b' });
  odd.call('{}');
  t.notOk('within' in (odd.data()[0] ?? {}));
});

t.test('the spool and its files are private', async (t) => {
  const { call, paths } = createCaller(t, ['sh']);
  call('{}');
  t.equal(lstatSync(paths.spool).mode & 0o777, 0o700);
  for (const file of readdirSync(paths.spool)) t.equal(lstatSync(path.join(paths.spool, file)).mode & 0o777, 0o600);
});

for (const [state, breakIt] of BROKEN_SPOOLS) {
  t.test(`ignores a spool that is ${state}`, { skip: whyNo('mkfifo') }, async (t) => {
    const { call, paths } = createCaller(t, ['sh']);
    call('{}');
    breakIt(paths.spool);
    call('{"a":1}', 'a short one');
    call(JSON.stringify({ a: 'x'.repeat(10_000) }), 'a long one');
  });
}

t.test('ignores a read-only spool, and a missing home', async (t) => {
  if (isRoot) return t.comment('not looked at: root may write everywhere');
  const { call, paths } = createCaller(t, ['sh']);
  call('{}');
  chmodSync(paths.spool, 0o500);
  chmodSync(path.join(paths.spool, 'shared.ndjson'), 0o400);
  call('{}');
  chmodSync(paths.spool, 0o700);
});

t.test('is silent without a home, and without the programs that it uses', async (t) => {
  const { call } = createCaller(t, ['/bin/sh'], {
    HOME: undefined,
    PROGRESS_HOME: undefined,
    XDG_STATE_HOME: undefined,
  });
  call('{}');
  createCaller(t, ['/bin/sh'], { PATH: '/nonexistent' }).call('{}');
});

t.test('does not follow a link in place of the shared file', async (t) => {
  const { call, paths } = createCaller(t, ['sh']);
  const target = path.join(t.testdir({}), 'target');
  writeFileSync(target, '');
  call('{}');
  spawnSync('ln', ['-sf', target, path.join(paths.spool, 'shared.ndjson')]);
  call('{}');
  t.equal(lstatSync(target).size, 0);
});

t.test('shellcheck reports nothing', { skip: whyNo('shellcheck') }, async (t) => {
  const { stdout } = spawnSync('shellcheck', ['-s', 'sh', HOOK], { encoding: 'utf8' });
  t.equal(stdout, '');
});
