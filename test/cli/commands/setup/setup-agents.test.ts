import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import type { Test } from 'tap';
import t from 'tap';
import { claudeEvents } from '../../../../src/agents/claude/settings.js';
import type { Agent } from '../../../../src/core/agents.js';
import { resolveAgentPaths } from '../../../../src/agents/agent-paths.js';
import { AGENTS } from '../../../../src/core/agents.js';
import { VERSION } from '../../../../src/core/base/version.js';
import { createHome, ROOT } from '../../../helpers/daemon.js';
import { readSpool } from '../../../helpers/spool.js';

const HOOK = path.join(ROOT, 'hooks/claude-plugin/agent-hook');

interface Settings {
  hooks?: Record<string, { hooks: { command: string; timeout: number }[] }[]>;
}

/** A home with these settings, and a Claude Code of this version. */
function createBench(t: Test, agent: Agent, text?: string, version = '2.1.197') {
  const home = createHome(t);
  const bin = path.join(home.directory, 'bin');
  mkdirSync(bin);
  writeFileSync(path.join(bin, 'claude'), `#!/bin/sh\necho "${version} (Claude Code)"\n`, { mode: 0o755 });
  const own = { CLAUDE_CONFIG_DIR: undefined, CODEX_HOME: undefined, GEMINI_CLI_HOME: undefined };
  const env = { ...own, PATH: `${bin}:${process.env['PATH'] ?? ''}` };
  const file = resolveAgentPaths({ ...home.env, ...own })[agent].settings;
  if (text !== undefined) {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  return {
    ...home,
    file,
    backup: `${file}.progress-backup`,
    setup: (args = '') => home.invoke(['setup', agent, ...args.split(' ').filter(Boolean)], { env }),
    read: () => readFileSync(file, 'utf8'),
    parse: () => JSON.parse(readFileSync(file, 'utf8')) as Settings,
  };
}

for (const agent of AGENTS) {
  t.test(`${agent}: a missing file is created, and removed again`, async (t) => {
    const { setup, file, parse, backup } = createBench(t, agent);
    const { status, stdout, stderr } = await setup();
    t.strictSame({ status, stderr }, { status: 0, stderr: '' });
    t.match(stdout, `+++ ${file}`);
    t.match(stdout, `To undo it:  progress setup ${agent} --undo`);
    const hooks = Object.values(parse().hooks ?? {});
    t.ok(hooks.length >= 7);
    t.ok(hooks.every((groups) => groups[0]?.hooks[0]?.command.endsWith(`exec sh '${HOOK}' ${agent}`)));
    t.match((await setup()).stdout, 'Nothing to do');
    t.match((await setup('--undo')).stdout, `Removed from ${file}`);
    t.notOk(existsSync(file) || existsSync(backup));
    t.match((await setup('--undo')).stdout, 'Nothing to do');
  });

  t.test(`${agent}: the command is silent and succeeds, with the package and without`, async (t) => {
    const { setup, parse, paths, env } = createBench(t, agent);
    await setup();
    const command = Object.values(parse().hooks ?? {})[0]?.[0]?.hooks[0]?.command ?? '';
    for (const each of [command, command.replaceAll(HOOK, '/nonexistent/agent-hook')]) {
      const { status, stdout, stderr } = spawnSync('sh', ['-c', each], { input: '{}', env, encoding: 'utf8' });
      t.strictSame({ status, stdout, stderr }, { status: 0, stdout: '', stderr: '' });
    }
    t.match(readSpool({ paths }), [{ type: 'agent_hook', agent }]);
  });
}

const MINE = { type: 'command', command: 'say done' };
/** Settings in all forms that people and agents write. */
const TEXTS: Readonly<Record<string, string>> = {
  'an empty object': '{}',
  'two spaces': `${JSON.stringify({ model: 'opus', hooks: { Stop: [{ hooks: [MINE] }] }, last: 1 }, undefined, 2)}\n`,
  'tabs, no newline at the end': JSON.stringify({ hooks: { Stop: [{ matcher: '', hooks: [MINE] }] } }, undefined, '\t'),
  'one line': JSON.stringify({ a: 1, hooks: { PreToolUse: [{ matcher: 'Bash', hooks: [MINE] }], Stop: [] }, b: [2] }),
  'comments and commas': `// mine\n{\n   "model": "opus", // the large one\n   /* "x": 1 */\n   "hooks": {\n      "Stop": [\n         { "hooks": [${JSON.stringify(MINE)},], }, // ding\n      ],\n   }, // end\n}\n`,
  'carriage returns': '{\r\n  "a": "ü 漢 🎉",\r\n  "b": {}\r\n}\r\n',
  'empty hooks': '{ "hooks": {} }\n',
};

for (const [name, text] of Object.entries(TEXTS)) {
  t.test(`settings with ${name} keep every character, and are restored exactly`, async (t) => {
    const { setup, read, backup } = createBench(t, 'claude', text);
    t.equal((await setup()).status, 0);
    const after = read();
    t.equal(after.split('agent-hook').length - 1, 2 * claudeEvents('2.1.197').length);
    t.equal(readFileSync(backup, 'utf8'), text);
    let at = 0;
    for (const character of text.replaceAll(/[\s,]/g, '')) {
      at = after.indexOf(character, at) + 1;
      if (at === 0) return t.fail(`${character} is gone`);
    }
    t.match((await setup()).stdout, 'Nothing to do');
    t.equal((await setup('--undo')).status, 0);
    t.equal(read(), text);
    t.notOk(existsSync(backup), 'the backup has done its work');
  });

  t.test(`undo keeps other changes of settings with ${name}`, async (t) => {
    const { setup, read, file } = createBench(t, 'claude', text);
    await setup();
    const changed = read().replace('{', '{ "mine": true,');
    writeFileSync(file, changed.replace('"mine": true,}', '"mine": true}'));
    t.equal((await setup('--undo')).status, 0);
    t.notMatch(read(), 'agent-hook');
    const plain = (json: string) => json.replaceAll(/\s/g, '');
    const expected = plain(text.replace('{', '{ "mine": true,'));
    t.equal(plain(read()).replace('true,}', 'true}'), expected.replace('true,}', 'true}'));
  });
}

t.test('hooks of other programs stay', async (t) => {
  const { setup, parse, file } = createBench(t, 'claude', '{}');
  await setup();
  const settings = parse();
  settings.hooks?.['Stop']?.[0]?.hooks.push({ command: 'say done', timeout: 1 });
  writeFileSync(file, JSON.stringify(settings));
  await setup('--undo');
  t.strictSame(parse(), { hooks: { Stop: [{ hooks: [{ command: 'say done', timeout: 1 }] }] } });
});

t.test('hooks of another installation are replaced, and not duplicated', async (t) => {
  const { setup, parse, read, file } = createBench(t, 'codex');
  await setup();
  const text = read();
  writeFileSync(file, text.replaceAll(HOOK, '/old/hooks/claude-plugin/agent-hook'));
  t.match(JSON.parse((await setup('--json')).stdout), { agent: 'codex', action: 'replaced' });
  t.strictSame(parse(), JSON.parse(text));
});

t.test('a dry run shows the change, and changes nothing', async (t) => {
  const { setup, read, backup } = createBench(t, 'gemini', '{"a":1}');
  t.match((await setup('--dry-run')).stdout, /^\+.*agent-hook.*\n[^]*Nothing was changed \(dry run\)\.\n$/m);
  t.equal(read(), '{"a":1}');
  t.notOk(existsSync(backup));
});

const WRONG: Readonly<Record<string, readonly [text: string, said: RegExp]>> = {
  'no JSON': ['{\n  "a": 1,\n  b: 2\n}\n', /settings\.json:3: invalid JSON/],
  'cut short': ['{ "a": [1, ', /invalid JSON/],
  'a list': ['[]', /the settings are not an object/],
  'hooks of another shape': ['{"hooks": []}', /"hooks" is not an object/],
  'an event of another shape': ['{\n"hooks": {\n"Stop": {}}}', /settings\.json:3: "hooks\.Stop" is not a list/],
};
for (const [name, [text, said]] of Object.entries(WRONG)) {
  t.test(`settings that are ${name} are not changed, and the error names the place`, async (t) => {
    const { setup, read, backup } = createBench(t, 'claude', text);
    for (const args of ['', '--undo', '--dry-run']) {
      const { status, stdout, stderr } = await setup(args);
      t.strictSame({ isError: status !== 0, stdout }, { isError: true, stdout: '' });
      t.match(stderr, said);
    }
    t.equal(read(), text);
    t.notOk(existsSync(backup));
  });
}

t.test('a read-only file is not changed', async (t) => {
  const { setup, read, file } = createBench(t, 'claude', '{}');
  chmodSync(file, 0o400);
  t.match(await setup(), { status: /[1-9]/, stderr: /settings.json cannot be written: the file is read-only/ });
  t.equal(read(), '{}');
});

t.test('a link stays, and the mode of the file that it leads to', async (t) => {
  const { setup, file, directory } = createBench(t, 'claude', '{}');
  const target = path.join(directory, 'dotfiles.json');
  spawnSync('mv', [file, target]);
  symlinkSync(target, file);
  chmodSync(target, 0o640);
  await setup();
  t.ok(lstatSync(file).isSymbolicLink());
  t.match(readFileSync(target, 'utf8'), 'agent-hook');
  t.equal(statSync(target).mode & 0o777, 0o640);
});

t.test('an older Claude Code gets no unknown event, which would make its settings invalid', async (t) => {
  const { setup, parse } = createBench(t, 'claude', undefined, '2.0.10');
  await setup();
  t.notOk('PermissionRequest' in (parse().hooks ?? {}));
  t.ok('Stop' in (parse().hooks ?? {}));
  t.ok(claudeEvents(undefined).includes('PermissionRequest'));
  t.notOk(claudeEvents(undefined).includes('MessageDisplay'));
  t.notOk(claudeEvents('99.0.0').includes('WorktreeCreate'));
});

t.test('the plugin calls the same program for the same events', async (t) => {
  const read = (file: string) =>
    JSON.parse(readFileSync(path.join(ROOT, 'hooks/claude-plugin', file), 'utf8')) as Settings;
  const { hooks = {} } = read('hooks/hooks.json');
  t.strictSame(Object.keys(hooks).sort(), claudeEvents('2.1.197').sort());
  const commands = new Set(Object.values(hooks).map((groups) => groups[0]?.hooks[0]?.command ?? ''));
  t.equal(commands.size, 1);
  const env = { ...process.env, CLAUDE_PLUGIN_ROOT: path.dirname(HOOK), PROGRESS_HOME: t.testdir({}) };
  for (const command of commands) {
    t.match(spawnSync('sh', ['-c', command], { input: '{}', env, encoding: 'utf8' }), {
      status: 0,
      stdout: '',
      stderr: '',
    });
  }
  t.ok(existsSync(path.join(env.PROGRESS_HOME, 'state/spool/shared.ndjson')));
  t.match(read('.claude-plugin/plugin.json'), { name: 'progress', version: VERSION });
});
