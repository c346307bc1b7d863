import t from 'tap';
import { isProgramOf, sessionsWithProcess } from '../../../src/agents/sessions/process-match.js';

const command = (pid: number, cwd: string, argv: string[] = ['claude'], parent = 1) => ({ pid, parent, argv, cwd });
const session = (file: string, cwd: string, writtenAt: number) => ({ agent: 'claude' as const, file, cwd, writtenAt });

t.test('recognises programs by their names, or by their paths', (t) => {
  const is = (agent: 'claude' | 'codex' | 'gemini', ...argv: string[]) => isProgramOf(agent, command(1, '/', argv));
  t.ok(is('claude', 'claude'));
  t.ok(is('claude', 'node', '/usr/lib/node_modules/@anthropic-ai/claude-code/cli.js', '-p', 'x'));
  t.ok(is('codex', '/opt/codex/bin/codex', 'exec'));
  t.ok(is('gemini', 'node', '--no-warnings=DEP0040', '/usr/bin/gemini'));
  t.notOk(is('claude', 'vim', 'claude.md'));
  t.notOk(is('claude', 'codex'));
  t.notOk(is('codex', 'sh', '-c', 'x', 'y', 'codex'), 'far behind');
  t.end();
});

t.test('matches the file that a process has open, else the newest in its working directory', (t) => {
  const [old, newer, other, held] = [
    session('/a', '/work', 1),
    session('/b', '/work', 2),
    session('/c', '/else', 3),
    session('/d', '/work', 0),
  ];
  const open = (pid: number) => (pid === 9 ? ['/d'] : []);
  const alive = (...commands: ReturnType<typeof command>[]) =>
    [...sessionsWithProcess([old, newer, other, held], commands, open)].map(({ file }) => file).sort();
  t.strictSame(alive(), []);
  t.strictSame(alive(command(2, '/work')), ['/b']);
  t.strictSame(alive(command(2, '/work'), command(3, '/work')), ['/a', '/b']);
  t.strictSame(alive(command(2, '/work'), command(3, '/work', ['claude'], 2)), ['/b'], 'its own child is no other');
  t.strictSame(alive(command(9, '/work')), ['/d']);
  t.strictSame(alive(command(9, '/nowhere'), command(4, '/else')), ['/c', '/d']);
  t.end();
});
