// Cost of a prompt of an interactive shell: without hooks, with ours, and with hooks of other designs.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { figure, hasPeer, median, PRODUCT, ratio, sized } from './harness.mjs';

const PROMPTS = sized(500, 50);
const ROUNDS = sized(5, 1);
const HOOKS = path.join(PRODUCT, 'hooks');

/** History databases wait for a program before a command and start one in the background after it. */
const FORKING = '__id=$(/bin/true start)';
const POSTING = 'curl -s -o /dev/null --unix-socket /nonexistent http://localhost/ &';
const SHELLS = {
  bash: {
    args: (rc) => ['--noprofile', '--rcfile', rc, '-i'],
    ours: `. '${HOOKS}/progress.bash'`,
    forking: `trap '[[ $BASH_COMMAND != : ]] || ${FORKING}' DEBUG; PROMPT_COMMAND='(/bin/true end &)'`,
    posting: `trap '[[ $BASH_COMMAND != : ]] || { ${POSTING} }' DEBUG; PROMPT_COMMAND='{ ${POSTING} }'`,
  },
  zsh: {
    args: () => ['-o', 'no_global_rcs', '-i'],
    ours: `. '${HOOKS}/progress.zsh'`,
    forking: `preexec() { ${FORKING} }; precmd() { (/bin/true end &) }`,
    posting: `preexec() { ${POSTING} }; precmd() { ${POSTING} }`,
  },
};

export function main() {
  for (const [shell, { args, ...shapes }] of Object.entries(SHELLS)) {
    if (!hasPeer(shell)) continue;
    const times = { none: [], ours: [], forking: [], posting: [] };
    for (let round = 0; round < ROUNDS; round++) {
      for (const [shape, list] of Object.entries(times)) list.push(measure(shell, args, shapes[shape] ?? ':', shape));
    }
    const [none, ours, forking, posting] = Object.values(times).map(median);
    figure(`a prompt of ${shell}, no hooks`, none, 'ms');
    figure(`hooks in ${shell} add`, ours - none, 'ms', { better: 'less' });
    figure(`a fork and exec per command in ${shell} adds`, forking - none, 'ms');
    figure(`curl in the background in ${shell} adds`, posting - none, 'ms');
    // of whole prompts, because what hooks add may be lost in noise
    ratio(`a prompt of ${shell} with hooks, relative to none`, ours, none, { better: 'less' });
    ratio(`a prompt of ${shell} with hooks, relative to a fork and exec`, ours, forking, { better: 'less' });
  }
}

/** Milliseconds for each typed line. */
function measure(shell, args, hooks, shape) {
  const home = mkdtempSync(path.join(tmpdir(), 'home-'));
  const rc = path.join(home, '.zshrc');
  writeFileSync(rc, `${hooks}\n`);
  const env = {
    HOME: home,
    ZDOTDIR: home,
    PROGRESS_HOME: home,
    TMPDIR: tmpdir(),
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
