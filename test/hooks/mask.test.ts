/** The masks of the shells' hooks: they equal those of the daemon, except for rare programs. */
import { spawnSync } from 'node:child_process';
import t from 'tap';
import { maskText } from '../../src/core/mask/mask.js';
import { SECRET_ARGUMENTS } from '../../src/core/mask/secret-commands.js';
import { createHome, ROOT } from '../helpers/daemon.js';
import { whyNo } from '../helpers/needs.js';
import { SECRET_LINES } from '../helpers/secret-lines.js';

/** Left to the daemon, which blanks the line in the spool. */
const LEFT = new RegExp(
  `^(?:${[
    'http|htpasswd|gh secret|ipmitool|snmpget|mycli|sqlcmd|cqlsh|useradd|twine|sqlplus|lftp|nmcli|pdftk|wpa_passphrase',
    'rabbitmqctl|fly|psql|redis-cli (?:-h h AUTH|auth|config|<<<)|openssl passwd|curl (?:-b|--cookie|--cert|--oauth2)',
    "curl -H '(?:apikey|Cookie)|wget --header|rar a -hp|mysql -e|mount|\\./configure|npm config|git clone https://abc",
  ].join('|')})|\\| (?:redis-cli|docker secret|openssl passwd)|PASSWORD=["$'].|\\$\\{TOKEN:-`,
);
/** Programs that read lines and print their masked forms. */
const DRIVERS: Record<string, string[]> = {
  bash: [
    'bash',
    '-euc',
    '. hooks/mask.sh; while IFS= read -r l; do __progress_mask "$l"; echo "$__progress_masked"; done',
  ],
  zsh: [
    'zsh',
    '-fuc',
    `emulate sh -c '. hooks/mask.sh'; while IFS= read -r l; do __progress_mask "$l"; print -r -- "$__progress_masked"; done`,
  ],
  fish: [
    'fish',
    '--no-config',
    '-c',
    'source hooks/progress.fish; while read -l l; __progress_mask $l; echo $__progress_masked; end',
  ],
};

const OTHERS: Record<string, string[]> = {
  bash: ['set -gx GITHUB_TOKEN hunter2', "it's --token x"],
  zsh: ['set -gx GITHUB_TOKEN hunter2', "it's --token x"],
  fish: ["printf '%s\\n' me:hunter2 | sudo chpasswd -e"],
};

const lines = [
  ...SECRET_ARGUMENTS.flatMap(({ examples }) => Object.keys(examples)),
  ...SECRET_LINES.map(([line]) => line),
];

for (const [shell, [program = '', ...args]] of Object.entries(DRIVERS)) {
  t.test(`${shell} masks common shapes like the daemon`, { skip: whyNo(shell) }, (t) => {
    const { env } = createHome(t);
    const left = new Set([...lines.filter((line) => LEFT.test(line)), ...OTHERS[shell]!]);
    const typed = lines.filter((line) => !left.has(line));
    const { stdout, stderr } = spawnSync(program, args, {
      cwd: ROOT,
      env,
      encoding: 'utf8',
      input: lines.map((line) => `${line}\n`).join(''),
    });
    t.equal(stderr, '');
    const kept = stdout.split('\n').slice(0, -1);
    t.equal(kept.length, lines.length);
    for (const line of typed) t.equal(kept[lines.indexOf(line)], maskText(line), line);
    for (const line of left) {
      const masked = kept[lines.indexOf(line)] ?? '';
      t.ok(masked === line || maskText(masked) === maskText(line), `${line}: nothing else is lost`);
    }
    t.end();
  });
}
