/** `progress config`: prints, changes and checks the configuration, and prints where its file is. */
import { statSync } from 'node:fs';
import path from 'node:path';
import { setConfigValue, unsetConfigValue } from '../../config/edit.js';
import { configJsonSchema } from '../../config/json-schema.js';
import { configKeys, getConfigValue, loadConfig, readConfigFile } from '../../config/load.js';
import { sanitize } from '../../core/text/ansi.js';
import { ProgressError } from '../../core/base/errors.js';
import { defineCommand } from '../command.js';
import { JSON_OPTION } from '../options.js';
import { print, printLines } from '../shared/output.js';
import { readRcFile, writeRcFile } from '../../platform/rc-file.js';

const ACTIONS = ['get', 'set', 'unset', 'check', 'path', 'schema'] as const;

export const command = defineCommand({
  verb: 'config',
  describe: 'Print, change and check the configuration',
  positionals: {
    action: { choices: ACTIONS, required: true, describe: 'Action' },
    operand: { describe: 'Key for get, set and unset; file for check' },
    value: { describe: 'Value for set, as in the file' },
  },
  options: JSON_OPTION,
  async run({ action, operand, value, json = false }, { paths }) {
    if (action === 'set') return await setValue(paths.config, needed(operand, action), needed(value, action), json);
    if (value !== undefined) throw new ProgressError('usage', `config ${action} takes no ${JSON.stringify(value)}`);
    switch (action) {
      case 'unset':
        return await unsetValue(paths.config, needed(operand, action), json);
      case 'get':
        return await printValues(paths.config, operand, json);
      case 'check':
        return await checkFile(operand === undefined ? paths.config : existing(operand), json);
      case 'path':
        noOperand(operand, action);
        await print(`${json ? JSON.stringify(paths.config) : paths.config}\n`);
        return 0;
      case 'schema':
        noOperand(operand, action);
        await print(`${JSON.stringify(configJsonSchema(), undefined, 2)}\n`);
        return 0;
    }
  },
});

function needed(operand: string | undefined, action: 'set' | 'unset'): string {
  if (operand !== undefined) return operand;
  throw new ProgressError('usage', `config ${action} needs ${action === 'set' ? 'a key and a value' : 'a key'}`);
}

function noOperand(operand: string | undefined, action: string): void {
  if (operand !== undefined) throw new ProgressError('usage', `config ${action} takes no ${JSON.stringify(operand)}`);
}

async function setValue(file: string, key: string, value: string, json: boolean): Promise<number> {
  change(file, (text) => setConfigValue(text, file, key, value));
  if (json) await printValues(file, key, json);
  return 0;
}

/** Removes a key; the default takes effect. */
async function unsetValue(file: string, key: string, json: boolean): Promise<number> {
  change(file, (text) => unsetConfigValue(text, file, key));
  if (json) await printValues(file, key, json);
  return 0;
}

/** Edits the file atomically; keeps mode and links. An invalid file, or an edit that makes it invalid, is refused. */
function change(file: string, edit: (text: string) => string): void {
  const found = readRcFile(file);
  const before = found.text === undefined ? '' : readConfigFile(file);
  const after = edit(before);
  if (after !== before) writeRcFile(found, Buffer.from(after).toString('latin1'));
}

async function printValues(file: string, key: string | undefined, json: boolean): Promise<number> {
  const config = loadConfig(file);
  if (json) {
    await print(`${JSON.stringify(key === undefined ? config : getConfigValue(config, key), undefined, 2)}\n`);
  } else if (key === undefined) {
    await printLines(configKeys().map(({ key: each }) => `${each} = ${toText(getConfigValue(config, each))}`));
  } else {
    await print(`${toText(getConfigValue(config, key))}\n`);
  }
  return 0;
}

/** Formats texts unchanged, and other values as JSON, which is valid YAML. */
function toText(value: unknown): string {
  return sanitize(typeof value === 'string' ? value : JSON.stringify(value), { color: false });
}

/** Checks that a named file exists; a missing default file means all defaults. */
function existing(operand: string): string {
  const file = path.resolve(operand);
  if (statSync(file, { throwIfNoEntry: false })) return operand;
  throw new ProgressError('not_found', `${operand}: no such file`);
}

async function checkFile(file: string, json: boolean): Promise<number> {
  const problems = findProblems(file);
  if (json)
    await print(`${JSON.stringify({ file, problems: problems.map((line) => toJson(line, file)) }, undefined, 2)}\n`);
  else await printLines(problems.map((line) => sanitize(line, { color: false })));
  return problems.length === 0 ? 0 : new ProgressError('bad_config', '').exitStatus;
}

/** @returns a line for each problem: `file:line:column: message`, or `file: message` for an unreadable file */
export function findProblems(file: string): string[] {
  try {
    loadConfig(file);
    return [];
  } catch (thrown) {
    const error = ProgressError.from(thrown);
    if (error.code !== 'bad_config') throw error;
    return error.message.split('\n');
  }
}

function toJson(problem: string, file: string): object {
  const text = problem.startsWith(`${file}:`) ? problem.slice(file.length + 1) : problem;
  const [, line, column, message] = /^(\d+):(\d+): (.*)$/s.exec(text) ?? [];
  return message === undefined ? { message: text.trim() } : { line: Number(line), column: Number(column), message };
}
