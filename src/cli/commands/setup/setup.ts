/** `progress setup`: installs hooks in a shell's start-up file or an agent's settings, and removes them. */
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { sanitize } from '../../../core/text/ansi.js';
import { ProgressError } from '../../../core/base/errors.js';
import type { Shell } from '../../../platform/paths.js';
import type { Agent } from '../../../core/agents.js';
import { findInPath, findShell, resolveRcFiles, SHELLS } from '../../../platform/paths.js';
import { AGENTS } from '../../../core/agents.js';
import { cutHooks, hasValue, putHooks } from '../../../agents/settings.js';
import type { AgentSetup } from '../../../agents/settings-files.js';
import { agentSetup, isHookCommand } from '../../../agents/settings-files.js';
import { defineCommand } from '../../command.js';
import { JSON_OPTION } from '../../options.js';
import { print, printLines } from '../../shared/output.js';
import { cutBlock, findBlock, fromBytes, loadLine, putBlock, toBytes } from './rc-block.js';
import type { RcFile } from '../../../platform/rc-file.js';
import { keepBackup, readBackup, readRcFile, removeBackup, writeRcFile } from '../../../platform/rc-file.js';
import { unifiedDiff } from '../../../platform/unified-diff.js';

export const command = defineCommand({
  verb: 'setup',
  describe: 'Install or remove shell and agent hooks',
  positionals: {
    what: { choices: [...SHELLS, ...AGENTS], describe: 'Shell (default: that of $SHELL) or agent' },
  },
  options: {
    'dry-run': { type: 'boolean', describe: 'Show what would change' },
    undo: { type: 'boolean', describe: 'Remove the hooks' },
    ...JSON_OPTION,
  },
  async run({ what, 'dry-run': dryRun = false, undo = false, json = false }, { env }) {
    const program = chooseProgram(OWN_PROGRAM, env['PATH']);
    const target = isAgent(what)
      ? agentTarget(what, env)
      : shellTarget(what ?? findShell(env) ?? refuseShell(env['SHELL']), program, env);
    const rc = readRcFile(target.file);
    const change = undo ? planUndo(rc, target) : planSetup(rc, target);
    const report = { ...target.subject, file: rc.file, action: change.action, dryRun, diff: diffOf(rc, change) };
    const backup = dryRun ? undefined : apply(rc, change);
    if (json) await print(`${JSON.stringify({ ...report, backup: backup ?? null }, undefined, 2)}\n`);
    else {
      const text = [...report.diff, ...summaryOf({ ...report, backup }, target)];
      await printLines(text.map((line) => sanitize(line, { color: false })));
    }
    return 0;
  },
});

/** Launcher of this package, relative to the built command line. */
const OWN_PROGRAM = fileURLToPath(new URL('../bin/progress', import.meta.url));

interface Change {
  action: 'added' | 'replaced' | 'removed' | 'none';
  /** New text; undefined to remove the file. */
  text: string | undefined;
}

interface Report {
  file: string;
  action: Change['action'];
  dryRun: boolean;
  backup: string | undefined;
}

/** File to change, and how hooks are added to it and removed. */
interface Target {
  file: string;
  subject: { shell: Shell } | { agent: Agent };
  has(text: string): boolean;
  put(text: string | undefined): string;
  /** @param before - the backup */
  cut(text: string, before: string | undefined): string;
  /** Matches the text that is left of a file that setup created. */
  empty: RegExp;
  removed: string;
  /** Lines to print after hooks were added. */
  advice: readonly string[];
}

function isAgent(what: string | undefined): what is Agent {
  return AGENTS.some((agent) => agent === what);
}

function shellTarget(shell: Shell, program: string, env: NodeJS.ProcessEnv): Target {
  const file = resolveRcFiles(env)[shell];
  return {
    file,
    subject: { shell },
    has: (text) => findBlock(text, file) !== undefined,
    put: (text = '') => putBlock(text, findBlock(text, file), shell, program),
    cut(text) {
      const block = findBlock(text, file);
      return block ? cutBlock(text, block) : text;
    },
    empty: /^$/,
    removed: 'Running shells keep their hooks until they exit.',
    advice: [
      `To load it now:  ${loadLine(shell, program)}`,
      `To undo it:      progress setup ${shell} --undo`,
      ...(shell === 'bash' ? explainLogin(file, process.platform) : []),
    ],
  };
}

function agentTarget(agent: Agent, env: NodeJS.ProcessEnv): Target {
  const { file, events, handler, advice }: AgentSetup = agentSetup(agent, env);
  // the text of a file has one character per byte
  const bytes = { ...handler, command: toBytes(handler.command) };
  const isOurs = (command: unknown) => isHookCommand(command, agent);
  const put = (text: string | undefined) => putHooks(text, { file, events, handler: bytes, isOurs });
  return {
    file,
    subject: { agent },
    has: (text) => cutHooks(text, { file, isOurs }) !== text,
    put,
    cut(text, before) {
      // an unchanged file is restored exactly
      if (before !== undefined && put(before) === text) return before;
      return cutHooks(text, { file, isOurs, isKept: (where) => before !== undefined && hasValue(before, where) });
    },
    empty: /^\s*\{?\s*\}?\s*$/,
    removed: 'Running sessions may still call them, without effect.',
    advice: ['New sessions are shown.', ...advice, `To undo it:  progress setup ${agent} --undo`],
  };
}

function refuseShell(shell = ''): never {
  const known = SHELLS.join(', ');
  throw new ProgressError(
    'usage',
    `$SHELL is ${JSON.stringify(shell)}, for which there are no hooks; name one of ${known}`,
  );
}

/** Chooses the path in PATH, which stays valid across updates; otherwise that of the package. */
export function chooseProgram(own: string, searchPath: string | undefined): string {
  const candidates = findInPath('progress', searchPath).filter((file) => path.isAbsolute(file));
  return candidates.find((file) => realpathSync(file) === realpathSync(own)) ?? own;
}

function planSetup({ text }: RcFile, target: Target): Change {
  const after = target.put(text);
  if (after === text) return { action: 'none', text };
  return { action: text !== undefined && target.has(text) ? 'replaced' : 'added', text: after };
}

function planUndo(rc: RcFile, target: Target): Change {
  if (rc.text === undefined || !target.has(rc.text)) return { action: 'none', text: rc.text };
  const before = readBackup(rc);
  const after = target.cut(rc.text, before);
  const isOurs = before === undefined && target.empty.test(after);
  return { action: 'removed', text: isOurs ? undefined : after };
}

/** Writes the file. @returns its backup; one that equals the file is removed */
function apply(rc: RcFile, { action, text }: Change): string | undefined {
  if (action === 'none') return undefined;
  const backup = action === 'removed' ? undefined : keepBackup(rc);
  writeRcFile(rc, text);
  if (action === 'removed' && text !== undefined && readBackup(rc) === text) removeBackup(rc);
  return backup;
}

function diffOf({ file, text }: RcFile, change: Change): string[] {
  return change.action === 'none' ? [] : unifiedDiff(file, text, change.text).map(fromBytes);
}

function summaryOf({ file, action, dryRun, backup }: Report, { advice, removed }: Target): string[] {
  if (dryRun) return [action === 'none' ? `Nothing would change in ${file}.` : `Nothing was changed (dry run).`];
  switch (action) {
    case 'none':
      return [`Nothing to do: ${file} is up to date.`];
    case 'removed':
      return [`Removed from ${file}. ${removed}`];
    case 'added':
    case 'replaced':
      return [
        `Written to ${file}${backup === undefined ? '' : `; what it was before setup is in ${backup}`}`,
        ...advice,
      ];
  }
}

/** Files of a login shell of bash, which reads the first that exists. */
const LOGIN_FILES = ['.bash_profile', '.bash_login', '.profile'];

/** Explains that terminals of macOS start login shells, which do not read ~/.bashrc by themselves. */
export function explainLogin(bashrc: string, platform: NodeJS.Platform): string[] {
  if (platform !== 'darwin') return [];
  const directory = path.dirname(bashrc);
  const files = LOGIN_FILES.map((name) => path.join(directory, name));
  const file = files.find((each) => existsSync(each));
  if (file !== undefined && readFileSync(file, 'utf8').includes('.bashrc')) return [];
  return [
    `Terminals of macOS start login shells, which read ${file ?? files[0] ?? ''} and not ${bashrc}. Add to it:`,
    '  [ -r ~/.bashrc ] && . ~/.bashrc',
  ];
}
