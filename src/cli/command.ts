/** Definition of a command, and what all commands share. */
import type { Argv } from 'yargs';
import { ProgressError } from '../core/base/errors.js';
import type { Inherited } from '../platform/inherited.js';
import type { Paths } from '../platform/paths.js';
import type { Arguments, OptionTable, PositionalTable } from './options.js';
import { addArguments, synopsisOf } from './options.js';

/** Exported as `command` by the file or folder of `commands/` with the name of the verb. */
export interface Command {
  /** The verb and its positionals: `show <id>`. */
  readonly usage: string;
  readonly describe: string;
  readonly positionals: PositionalTable;
  readonly options: OptionTable;
  /** Runs the command without options and arguments. */
  runBare(context: CommandContext): Promise<number>;
  register(parser: Argv, context: CommandContext, done: (status: number) => void): void;
}

export interface CommandSpec<P extends PositionalTable, O extends OptionTable> {
  verb: string;
  describe: string;
  positionals: P;
  options: O;
  /** @returns the exit status, by default 0. @throws ProgressError, whose code determines the status (sysexits(3)) */
  run: (args: Arguments<P, O>, context: CommandContext) => Promise<number | undefined> | number | undefined;
}

export interface CommandContext {
  paths: Paths;
  env: NodeJS.ProcessEnv;
  inherited: Inherited;
  /** Words after `--` on the command line. */
  rest: string[];
  commands: Commands;
}

/** Commands by verb; each is loaded when it is needed. */
export type Commands = Readonly<Record<string, () => Promise<Command>>>;

export function defineCommand<const P extends PositionalTable, const O extends OptionTable>({
  verb,
  describe,
  positionals,
  options,
  run,
}: CommandSpec<P, O>): Command {
  const usage = synopsisOf(verb, positionals);
  return {
    usage,
    describe,
    positionals,
    options,
    async runBare(context) {
      return (await run({} as Arguments<P, O>, context)) ?? 0;
    },
    register(parser, context, done) {
      const build = (yargs: Argv) => addArguments(yargs, positionals, options);
      parser.command(usage, describe, build, async (args) => {
        checkRepeated(args, options);
        // the parser has checked them against the tables
        done((await run(args as unknown as Arguments<P, O>, context)) ?? 0);
      });
    },
  };
}

function checkRepeated(args: Readonly<Record<string, unknown>>, options: OptionTable): void {
  const repeated = Object.keys(options).find((name) => Array.isArray(args[name]) && options[name]?.type !== 'list');
  if (repeated !== undefined) throw new ProgressError('usage', `--${repeated} is given twice`);
}
