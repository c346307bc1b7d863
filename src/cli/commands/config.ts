/** `progress config`: the values in effect, changes to them, what is wrong with the file, and where it is. */
import { statSync } from 'node:fs';
import path from 'node:path';
import { setConfigValue, unsetConfigValue } from '../../config/edit.js';
import { configJsonSchema } from '../../config/json-schema.js';
import { configKeys, getConfigValue, loadConfig, readConfigFile } from '../../config/load.js';
import { sanitize } from '../../core/ansi.js';
import { ProgressError } from '../../core/errors.js';
import { defineCommand } from '../command.js';
import { print, printLines } from '../shared/output.js';
import { readRcFile, writeRcFile } from '../../platform/rc-file.js';

const ACTIONS = ['get', 'set', 'unset', 'check', 'path', 'schema'] as const;

export const command = defineCommand({
  usage: 'config <action> [operand] [value]',
  describe: 'Print, change and check the configuration',
  options: (yargs) =>
    yargs
      .positional('action', { choices: ACTIONS, demandOption: true, describe: 'What to do' })
      .positional('operand', { type: 'string', describe: 'Of get, set and unset: a key; of check: a file' })
      .positional('value', { type: 'string', describe: 'Of set: the value, as in the file' })
      .option('json', { type: 'boolean', describe: 'Print JSON' }),
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

/** The value in effect is the default then. */
async function unsetValue(file: string, key: string, json: boolean): Promise<number> {
  change(file, (text) => unsetConfigValue(text, file, key));
  if (json) await printValues(file, key, json);
  return 0;
}

/** In one step, with mode and links as they were; a file that is right stays so, and one that is wrong is left alone. */
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

/** Plain values as they are, all others as JSON, which is YAML too. */
function toText(value: unknown): string {
  return sanitize(typeof value === 'string' ? value : JSON.stringify(value), { color: false });
}

/** A file that does not exist is all defaults; one that was named has to be there. */
function existing(operand: string): string {
  const file = path.resolve(operand);
  if (statSync(file, { throwIfNoEntry: false })) return operand;
  throw new ProgressError('not_found', `${operand}: there is no such file`);
}

async function checkFile(file: string, json: boolean): Promise<number> {
  const problems = findProblems(file);
  if (json)
    await print(`${JSON.stringify({ file, problems: problems.map((line) => toJson(line, file)) }, undefined, 2)}\n`);
  else await printLines(problems.map((line) => sanitize(line, { color: false })));
  return problems.length === 0 ? 0 : new ProgressError('bad_config', '').exitStatus;
}

/** A line for each: `file:line:column: message`, or `file: message` where the file cannot be read at all. */
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
