// What a whole prompt costs, with our hooks, without, and with hooks of other shapes: interactive shells that read lines.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { median, report, ROOT } from './harness.mjs';

const PROMPTS = 500;
const ROUNDS = 5;

/** At the start a program that is waited for, at the end one in the background: as history databases do it. */
const FORKING = '__id=$(/bin/true start)';
const POSTING = 'curl -s -o /dev/null --unix-socket /nonexistent http://localhost/ &';
const SHELLS = {
  bash: {
    args: (rc) => ['--noprofile', '--rcfile', rc, '-i'],
    ours: `. '${ROOT}hooks/progress.bash'`,
    forking: `trap '[[ $BASH_COMMAND != : ]] || ${FORKING}' DEBUG; PROMPT_COMMAND='(/bin/true end &)'`,
    posting: `trap '[[ $BASH_COMMAND != : ]] || { ${POSTING} }' DEBUG; PROMPT_COMMAND='{ ${POSTING} }'`,
  },
  zsh: {
    args: () => ['-o', 'no_global_rcs', '-i'],
    ours: `. '${ROOT}hooks/progress.zsh'`,
    forking: `preexec() { ${FORKING} }; precmd() { (/bin/true end &) }`,
    posting: `preexec() { ${POSTING} }; precmd() { ${POSTING} }`,
  },
};

export function main() {
  for (const [shell, { args, ...shapes }] of Object.entries(SHELLS)) {
    if (spawnSync('sh', ['-c', `command -v ${shell}`]).status !== 0) continue;
    const times = { none: [], ours: [], forking: [], posting: [] };
    for (let round = 0; round < ROUNDS; round++) {
      for (const [shape, list] of Object.entries(times)) list.push(measure(shell, args, shapes[shape] ?? ':', shape));
    }
    const [none, ours, forking, posting] = Object.values(times).map(median);
    report(
      `a prompt of ${shell}, hooks alone`,
      `${(ours - none).toFixed(3)} ms`,
      `without any a prompt takes ${none.toFixed(3)} ms`,
    );
    report(
      '  a fork and exec per command instead',
      `${(forking - none).toFixed(3)} ms`,
      `${ratio(forking - none, ours - none)} as much`,
    );
    report(
      '  curl in the background instead',
      `${(posting - none).toFixed(3)} ms`,
      `${ratio(posting - none, ours - none)} as much`,
    );
  }
}

const ratio = (a, b) => `${(a / b).toFixed(1)} times`;

/** Milliseconds for each line that is typed. */
function measure(shell, args, hooks, shape) {
  const home = mkdtempSync(path.join(tmpdir(), 'progress-prompt-'));
  const rc = path.join(home, '.zshrc');
  writeFileSync(rc, `${hooks}\n`);
  const env = {
    HOME: home,
    ZDOTDIR: home,
    PROGRESS_HOME: home,
    PATH: process.env.PATH,
    TERM: 'dumb',
    PROGRESS_NO_DAEMON: '1',
  };
  const run = (lines) => {
    const begun = performance.now();
    const { status, stderr } = spawnSync(shell, args(rc), {
      env,
      input: `${':\n'.repeat(lines)}exit 0\n`,
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`${shell} ended with ${status}: ${stderr.slice(-500)}`);
    return performance.now() - begun;
  };
  const start = run(0);
  const ms = (run(PROMPTS) - start) / PROMPTS;
  if (shape === 'ours') checkAllThere(path.join(home, 'state/spool'));
  rmSync(home, { recursive: true, force: true });
  return ms;
}

function checkAllThere(spool) {
  const names = readdirSync(spool).filter((name) => name.endsWith('.ndjson'));
  const lines = names.flatMap((name) => readFileSync(path.join(spool, name), 'utf8').split('\n').slice(0, -1));
  if (lines.length !== 2 * PROMPTS) throw new Error(`${2 * PROMPTS} events expected, ${lines.length} found`);
}
