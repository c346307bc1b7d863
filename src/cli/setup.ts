/** `progress setup`: the hooks in a shell's start-up file, and out of it again. */
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { sanitize } from '../core/ansi.js';
import { ProgressError } from '../errors.js';
import type { Shell } from '../paths.js';
import { findInPath, findShell, resolveRcFiles, SHELLS } from '../paths.js';
import { defineCommand } from './command.js';
import { print, printLines } from './output.js';
import type { Block } from './rc-block.js';
import { cutBlock, findBlock, fromBytes, loadLine, putBlock } from './rc-block.js';
import type { RcFile } from './rc-file.js';
import { keepBackup, readBackup, readRcFile, removeBackup, writeRcFile } from './rc-file.js';
import { unifiedDiff } from './unified-diff.js';

export const command = defineCommand({
  usage: 'setup [shell]',
  describe: 'Load the hooks when a shell starts, or no longer',
  options: (yargs) =>
    yargs
      .positional('shell', { choices: SHELLS, describe: 'The shell; that of $SHELL unless given' })
      .option('dry-run', { type: 'boolean', describe: 'Only show what would change' })
      .option('undo', { type: 'boolean', describe: 'Remove what setup has added' })
      .option('json', { type: 'boolean', describe: 'Print JSON' }),
  async run({ shell: named, 'dry-run': dryRun = false, undo = false, json = false }, { env }) {
    const shell = named ?? findShell(env) ?? refuseShell(env['SHELL']);
    const rc = readRcFile(resolveRcFiles(env)[shell]);
    const program = chooseProgram(OWN_PROGRAM, env['PATH']);
    const change = undo ? planUndo(rc) : planSetup(rc, shell, program);
    const report = { shell, file: rc.file, action: change.action, dryRun, diff: diffOf(rc, change) };
    const backup = dryRun ? undefined : apply(rc, change);
    if (json) await print(`${JSON.stringify({ ...report, backup: backup ?? null }, undefined, 2)}\n`);
    else {
      const text = [...report.diff, ...summaryOf({ ...report, program, backup })];
      await printLines(text.map((line) => sanitize(line, { color: false })));
    }
    return 0;
  },
});

/** The launcher of this package, seen from the built command line. */
const OWN_PROGRAM = fileURLToPath(new URL('../bin/progress', import.meta.url));

interface Change {
  action: 'added' | 'replaced' | 'removed' | 'none';
  /** The new text; undefined: no such file. */
  text: string | undefined;
}

interface Report {
  shell: Shell;
  file: string;
  action: Change['action'];
  dryRun: boolean;
  program: string;
  backup: string | undefined;
}

function refuseShell(shell = ''): never {
  const known = SHELLS.join(', ');
  throw new ProgressError(
    'usage',
    `$SHELL is ${JSON.stringify(shell)}: there are hooks for ${known}; name one of them`,
  );
}

/** The name under which the user calls it, which outlives updates; its own place if it is not in PATH. */
export function chooseProgram(own: string, searchPath: string | undefined): string {
  const candidates = findInPath('progress', searchPath).filter((file) => path.isAbsolute(file));
  return candidates.find((file) => realpathSync(file) === realpathSync(own)) ?? own;
}

function planSetup({ file, text }: RcFile, shell: Shell, program: string): Change {
  const block = findBlock(text ?? '', file);
  const after = putBlock(text ?? '', block, shell, program);
  if (after === text) return { action: 'none', text };
  return { action: block ? 'replaced' : 'added', text: after };
}

/** A file that holds nothing else and of which there is no older text was made by us. */
function planUndo(rc: RcFile): Change {
  const block: Block | undefined = findBlock(rc.text ?? '', rc.file);
  if (!block || rc.text === undefined) return { action: 'none', text: rc.text };
  const after = cutBlock(rc.text, block);
  const isOurs = after === '' && readBackup(rc) === undefined;
  return { action: 'removed', text: isOurs ? undefined : after };
}

/** Returns the backup that there is then. One that equals the file has done its work. */
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

function summaryOf({ shell, file, action, dryRun, program, backup }: Report): string[] {
  const undo = `progress setup ${shell} --undo`;
  if (dryRun)
    return [action === 'none' ? `Nothing would change in ${file}.` : `Nothing was changed: this was a dry run.`];
  switch (action) {
    case 'none':
      return [`Nothing to do: ${file} is as it should be.`];
    case 'removed':
      return [`Removed from ${file}. Shells that run keep their hooks until they end.`];
    case 'added':
    case 'replaced':
      return [
        `Written to ${file}${backup === undefined ? '' : `; what it was before setup is in ${backup}`}`,
        `To load it now:  ${loadLine(shell, program)}`,
        `To undo it:      ${undo}`,
        ...(shell === 'bash' ? explainLogin(file, process.platform) : []),
      ];
  }
}

/** What a login shell of bash reads: the first of them that is there, and nothing else. */
const LOGIN_FILES = ['.bash_profile', '.bash_login', '.profile'];

/** Terminals of macOS start login shells, and those read ~/.bashrc only if they are told to. */
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
