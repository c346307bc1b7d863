/** Definition of a command, and what all commands share. */
import type { ArgumentsCamelCase, Argv } from 'yargs';
import { ProgressError } from '../core/errors.js';
import type { Inherited } from '../platform/inherited.js';
import type { Paths } from '../platform/paths.js';

/** Exported as `command` by the file or folder of `commands/` with the name of the verb. */
export interface Command {
  /** Runs the command without options and arguments. */
  runBare(context: Context): Promise<number>;
  register(parser: Argv, context: Context, done: (status: number) => void): void;
}

export interface CommandSpec<A> {
  /** The verb and its positionals, as in the synopsis: `show <id>`. */
  usage: string;
  describe: string;
  options: (yargs: Argv) => Argv<A>;
  /** @returns the exit status, by default 0. @throws ProgressError, whose code determines the status (sysexits(3)) */
  run: (args: ArgumentsCamelCase<A>, context: Context) => Promise<number | undefined> | number | undefined;
}

export interface Context {
  paths: Paths;
  env: NodeJS.ProcessEnv;
  inherited: Inherited;
  /** Words after `--` on the command line. */
  rest: string[];
  commands: Commands;
}

/** Commands by verb; each is loaded when it is needed. */
export type Commands = Readonly<Record<string, () => Promise<Command>>>;

export function defineCommand<A>({ usage, describe, options, run }: CommandSpec<A>): Command {
  return {
    async runBare(context) {
      // the arguments that yargs returns for an empty command line
      return (await run({ _: [], $0: '' } as unknown as ArgumentsCamelCase<A>, context)) ?? 0;
    },
    register(parser, context, done) {
      parser.command(usage, describe, options, async (args) => {
        checkRepeated(args);
        done((await run(args, context)) ?? 0);
      });
    },
  };
}

/** Options and arguments that can be repeated. */
const LISTS: ReadonlySet<string> = new Set('_ label type pairs runs ids after env channel status'.split(' '));

function checkRepeated(args: Readonly<Record<string, unknown>>): void {
  const repeated = Object.keys(args).find((key) => Array.isArray(args[key]) && !LISTS.has(key));
  if (repeated !== undefined) throw new ProgressError('usage', `--${repeated} is given twice`);
}
