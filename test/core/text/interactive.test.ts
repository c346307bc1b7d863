import t from 'tap';
import { INTERACTIVE_PROGRAMS, isInteractive, isProgramEntry } from '../../../src/core/text/interactive.js';

const is = (line: string, programs: readonly string[] = INTERACTIVE_PROGRAMS) => isInteractive(line, programs);

t.test('interactive programs are recognised, also behind wrappers', (t) => {
  const lines = [
    ...[
      'ssh host',
      'ssh -p 22 host',
      'vim a.txt',
      '/usr/bin/less big.log',
      'man ls',
      'top',
      'htop -d 5',
      'watch -n1 date',
    ],
    ...['tmux', 'fzf', 'tail -f x', 'claude', 'codex resume', 'crontab -e'],
    ...['python3', 'python3 -q', 'python3.12', 'python3 -i x.py', 'node', 'bash', 'bash -l', 'psql', 'psql -h db shop'],
    ...['sqlite3 shop.db', 'mysql -u root shop', 'su -', 'irb'],
    ...[
      'git log',
      'git diff --stat',
      'git -C src log',
      'git --no-replace-objects show',
      'git commit',
      'git commit --amend',
    ],
    ...['git rebase -i main', 'git rebase main -i', 'git add -p'],
    ...['docker run -it alpine', 'docker run --rm -ti alpine sh', 'docker run -i -t alpine', 'docker exec -it a sh'],
    ...[
      'kubectl exec -it p -- sh',
      'kubectl -n prod exec --stdin --tty p -- sh',
      'docker compose -f a.yml exec web sh',
    ],
    ...[
      'sudo vim /etc/hosts',
      'sudo -u bob -H vim x',
      'sudo -i',
      'sudo su -',
      'EDITOR=ed git commit',
      'env A=1 B=2 vim x',
    ],
    ...['nohup nice -n 10 top', 'time -p vim x', '  vim x', "FOO='a b' vim x"],
    ...[
      'make 2>&1 | less',
      'cd src && vim a.ts',
      'make || less err.log',
      'for f in *.c; do vim $f; done',
      '(cd a; vim b)',
    ],
    ...['vim $(git ls-files; true)', 'less <x.log', "vim 'a; make'", 'vim "a | make"', String.raw`vim a\;make`],
    ...['vim x 2> make', 'git log > /dev/tty'],
  ];
  for (const line of lines) t.ok(is(line), line);
  t.end();
});

t.test('scripts, batch jobs and similar names are not interactive', (t) => {
  const lines = [
    ...['make', 'sshfs a b', 'vimdiff-all', 'sudo make -s', 'sudo make', 'sudo -u bob make -i', 'env make'],
    ...['python3 train.py', 'python3 -m http.server', 'python3 -c "x"', 'python3 < x.py', 'python3-config x'],
    ...['node build.mjs', 'bash x.sh', 'bash -c "vim x"', 'psql -c "select 1"', 'psql --file=x.sql', 'psql < dump.sql'],
    ...['mysql -u root -e "select 1"', 'sqlite3 a.db < x.sql', 'gdb -batch -x y', 'emacs --batch -l x.el'],
    ...['git fetch', 'git push', 'git clone log', 'git commit -m x', 'git commit -am "long hook"', 'git rebase main'],
    ...['docker run alpine', 'docker build -t name .', 'docker run -d --name tty alpine', 'kubectl exec p -- ls'],
    ...[
      'kubectl get pods -o top',
      'claude -p "do it"',
      'codex exec x',
      'vim x; make',
      'less a | grep b',
      'git log | wc -l',
    ],
    ...['vim a && make', 'for f in *; do make $f; done', '', '   ', "'", '$(', 'A=1', '| |', 'sudo', 'ssh-keygen'],
  ];
  for (const line of lines) t.notOk(is(line), line);
  t.end();
});

t.test('a command line is parsed in linear time', (t) => {
  for (const piece of ['a ', '$(', '`', '"', "'", '\\', '(', 'sudo ', '<', '1', 'A=1 ', 'do '])
    t.doesNotThrow(() => is(piece.repeat(100_000)), piece);
  t.end();
});

t.test('a configured list replaces the default', (t) => {
  t.ok(is('mutt', ['mutt']));
  t.notOk(is('vim x', ['mutt']));
  t.notOk(is('vim x', []));
  t.ok(is('game2 --fast', ['game*']));
  t.end();
});

t.test('a pattern begins with a program', (t) => {
  for (const entry of INTERACTIVE_PROGRAMS) t.ok(isProgramEntry(entry), entry);
  for (const entry of ['!*', '-t x', ' vim', 'git  log', '', 'vim ']) t.notOk(isProgramEntry(entry), entry);
  t.end();
});
