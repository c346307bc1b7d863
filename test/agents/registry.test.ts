import t from 'tap';
import { DEFINITIONS } from '../../src/agents/registry.js';
import { sessionPlaceOf } from '../../src/agents/sessions/session-files.js';

const ID = '96a87607-2ddf-4fbe-9efb-a81d888081c2';

t.test('the path of a session file gives its agent, session and parent', (t) => {
  const place = (agent: 'claude' | 'codex' | 'gemini', file: string) => {
    const place = sessionPlaceOf(agent, DEFINITIONS[agent].sessions, file.split('/'));
    return place && [place.source, place.session, place.subagent ?? place.parent];
  };
  t.strictSame(place('claude', `-home-me/${ID}.jsonl`), [`transcript-claude-${ID}`, ID, undefined]);
  t.strictSame(place('claude', `-home-me/${ID}/subagents/agent-a1.jsonl`), [
    `transcript-claude-${ID}-agent-a1`,
    ID,
    'a1',
  ]);
  t.strictSame(place('codex', `2026/11/21/rollout-2026-11-21T00-05-01-${ID}.jsonl`), [
    `transcript-codex-${ID}`,
    ID,
    undefined,
  ]);
  t.strictSame(place('gemini', 'demo/chats/session-2026-11-21T00-02-a9143c1d.jsonl'), [
    'transcript-gemini-session-2026-11-21T00-02-a9143c1d',
    undefined,
    undefined,
  ]);
  t.strictSame(place('gemini', `demo/chats/${ID}/abcdefgh.jsonl`), ['transcript-gemini-abcdefgh', 'abcdefgh', ID]);
  for (const file of [`-home-me/${ID}.json`, '-home-me/agent-ac3b2e1dd180023ba.jsonl', `${ID}.jsonl`, 'a/b/c/d/e']) {
    t.equal(place('claude', file), undefined, file);
  }
  t.equal(place('codex', `2026/11/rollout-2026-11-21T00-05-01-${ID}.jsonl`), undefined);
  t.equal(place('gemini', 'demo/chats/logs.json'), undefined);
  const subagent = sessionPlaceOf('claude', DEFINITIONS.claude.sessions, [
    '-home-me',
    ID,
    'subagents',
    'agent-a1.jsonl',
  ])!;
  t.strictSame(subagent.owner, ['-home-me', `${ID}.jsonl`]);
  t.end();
});

t.test('recognises directories that may contain session files', (t) => {
  const may = (agent: 'claude' | 'codex' | 'gemini', directory: string) =>
    DEFINITIONS[agent].sessions.isDirectory(directory === '' ? [] : directory.split('/'));
  for (const directory of ['', '-home-me', `-home-me/${ID}`, `-home-me/${ID}/subagents`]) {
    t.ok(may('claude', directory), directory);
  }
  for (const directory of [`-home-me/${ID}/tool-results`, '-home-me/memory', `-home-me/${ID}/subagents/deeper`]) {
    t.notOk(may('claude', directory), directory);
  }
  for (const directory of ['', '2026', '2026/11', '2026/11/21']) t.ok(may('codex', directory), directory);
  for (const directory of ['archive', '2026/11/21/22']) t.notOk(may('codex', directory), directory);
  for (const directory of ['', 'demo', 'demo/chats', `demo/chats/${ID}`]) t.ok(may('gemini', directory), directory);
  for (const directory of ['demo/bin', `demo/chats/${ID}/more`]) t.notOk(may('gemini', directory), directory);
  t.end();
});
