/** Recognises command lines of interactive programs (editors, pagers, shells) by a list of patterns. */
import { AGENT_NAMES } from '../agents.js';
import { lastCommandOf } from './command-line.js';

/**
 * Patterns of interactive programs: a program name, then conditions on its arguments. A word is the first argument, as the
 * name of a subcommand; `-t` requires an option; `!-c` excludes an option or argument; `!*` excludes all but options.
 */
export const INTERACTIVE_PROGRAMS: readonly string[] = [
  // editors
  ...['vi', 'vim', 'nvim', 'view', 'vimdiff', 'nano', 'pico', 'emacs !--batch', 'micro', 'hx', 'helix', 'kak', 'joe'],
  ...['mcedit', 'ed', 'visudo', 'crontab -e'],
  // pagers
  ...['less', 'more', 'most', 'man', 'info', 'tail', 'journalctl'],
  // monitors
  ...['top', 'htop', 'btop', 'atop', 'iotop', 'glances', 'nvtop', 'watch', 'k9s', 'ncdu'],
  // other machines and terminals
  ...['ssh', 'mosh', 'telnet', 'ftp', 'sftp', 'tmux', 'screen', 'zellij'],
  // shells
  ...['bash !*', 'zsh !*', 'fish !*', 'sh !*', 'dash !*', 'ksh !*', 'su !-c', 'sudo -i', 'sudo -s', 'login'],
  // interpreters and clients of databases without a script
  ...['python !*', 'python2 !*', 'python3 !*', 'python3.* !*', 'python -i', 'python3 -i', 'ipython !*', 'bpython !*'],
  ...[
    'node !*',
    'deno !*',
    'deno repl',
    'bun repl',
    'irb !*',
    'pry !*',
    'php -a',
    'lua !*',
    'ghci',
    'R !*',
    'julia !*',
  ],
  ...['psql !-c !--command !-f !--file !<', 'mysql !-e !--execute !<', 'mariadb !-e !--execute !<', 'sqlite3 !<'],
  ...['redis-cli', 'mongosh !--eval', 'gdb !--batch !-batch', 'lldb !--batch', 'bc !* !<'],
  // choosers and file managers
  ...['fzf', 'sk', 'ranger', 'mc', 'lf', 'nnn', 'yazi', 'vifm', 'lazygit', 'tig', 'gitui', 'dialog', 'whiptail'],
  // git with a pager or an editor
  ...['git log', 'git diff', 'git show', 'git blame', 'git commit !-m !--message !-F !--file', 'git rebase -i'],
  ...['git rebase --interactive', 'git add -i', 'git add -p', 'git mergetool', 'git difftool'],
  // containers with a terminal
  ...['docker run -t', 'docker run --tty', 'docker exec -t', 'docker exec --tty', 'docker attach'],
  ...['podman run -t', 'podman run --tty', 'podman exec -t', 'podman exec --tty', 'podman attach'],
  ...['docker compose exec', 'docker compose run', 'docker-compose exec', 'docker-compose run'],
  ...['kubectl exec -t', 'kubectl exec --tty', 'kubectl run -t', 'kubectl attach', 'kubectl edit'],
  // coding agents
  ...Object.values(AGENT_NAMES).map(({ interactive }) => interactive),
];

/** Programs that execute their arguments as a command, with their options that take a value. */
const WRAPPERS: Readonly<Record<string, readonly string[]>> = {
  sudo: ['-u', '-g', '-h', '-p', '-C', '-D', '-R', '-T', '-U', '-r', '-t'],
  doas: ['-u', '-C'],
  env: ['-u', '-C', '-S'],
  nice: ['-n'],
  ionice: ['-c', '-n', '-p'],
  time: ['-f', '-o'],
  exec: ['-a'],
  stdbuf: ['-i', '-o', '-e'],
  nohup: [],
  command: [],
  builtin: [],
  caffeinate: ['-t', '-w'],
};
const ASSIGNMENT = /^[A-Za-z_]\w*\+?=/;
/** Maximum nesting of wrappers: `sudo env nice ...`. */
const MAX_WRAPPERS = 8;

/** Whether a text is a valid pattern: it begins with the name of a program. */
export function isProgramEntry(entry: string): boolean {
  return /^[^\s!<-]\S*( \S+)*$/.test(entry);
}

/** Whether the last program of a command line matches one of the patterns. */
export function isInteractive(line: string, programs: readonly string[]): boolean {
  let words: readonly string[] = lastCommandOf(line);
  for (let depth = 0; depth < MAX_WRAPPERS; depth += 1) {
    const first = words.findIndex((word) => !ASSIGNMENT.test(word));
    if (first < 0) return false;
    const [path = '', ...args] = words.slice(first);
    const program = path.slice(path.lastIndexOf('/') + 1);
    words = Object.hasOwn(WRAPPERS, program) ? wrappedBy(WRAPPERS[program] ?? [], args) : [];
    if (words.length === 0) return programs.some((entry) => matchesPattern(entry, program, args));
  }
  return false;
}

/** Returns the command after the options of a wrapper. */
function wrappedBy(valued: readonly string[], args: readonly string[]): readonly string[] {
  let at = 0;
  while (args[at]?.startsWith('-') === true) at += valued.includes(args[at] ?? '') ? 2 : 1;
  return args.slice(at);
}

function matchesPattern(entry: string, program: string, args: readonly string[]): boolean {
  const [name = '', ...conditions] = entry.split(' ');
  const isProgram = name.endsWith('*') ? program.startsWith(name.slice(0, -1)) : name === program;
  if (!isProgram) return false;
  const subcommand = conditions.filter((condition) => !/^[-!]/.test(condition));
  return startsWith(args, subcommand) && conditions.every((condition) => isMet(condition, args));
}

function isMet(condition: string, args: readonly string[]): boolean {
  if (condition === '!*') return args.every((arg) => arg.startsWith('-'));
  if (condition.startsWith('!')) return !args.some((arg) => isWanted(condition.slice(1), arg));
  return !condition.startsWith('-') || args.some((arg) => isWanted(condition, arg));
}

/** Whether an argument contains an option: `-it` contains `-t`, and `--file=x` contains `--file`. */
function isWanted(wanted: string, arg: string): boolean {
  if (/^-\w$/.test(wanted)) return /^-[A-Za-z]+$/.test(arg) && arg.includes(wanted.slice(1));
  return arg === wanted || (wanted.startsWith('--') && arg.startsWith(`${wanted}=`));
}

/** Whether the arguments begin with these words, apart from options and their values: `git -C directory log`. */
function startsWith(args: readonly string[], words: readonly string[]): boolean {
  let found = 0;
  let mayBeValue = false;
  for (const arg of args) {
    if (found === words.length) break;
    if (arg.startsWith('-')) mayBeValue = true;
    else if (arg === words[found]) [found, mayBeValue] = [found + 1, false];
    else if (mayBeValue) mayBeValue = false;
    else return false;
  }
  return found === words.length;
}
