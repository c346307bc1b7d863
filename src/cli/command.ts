/** What a command is, and what all commands share. */
import type { ArgumentsCamelCase, Argv } from 'yargs';
import { ProgressError } from '../core/errors.js';
import type { Inherited } from '../platform/inherited.js';
import type { Paths } from '../platform/paths.js';

/** One file in this folder exports one of these as `command`; its name is the verb. */
export interface Command {
  /** Without any option or argument of its own. */
  runBare(context: Context): Promise<number>;
  register(parser: Argv, context: Context, done: (status: number) => void): void;
}

export interface CommandSpec<A> {
  /** The verb and its positionals, as in the synopsis: `show <id>`. */
  usage: string;
  describe: string;
  options: (yargs: Argv) => Argv<A>;
  /** The exit status; nothing means 0. Throws ProgressError for anything that deserves another by sysexits(3). */
  run: (args: ArgumentsCamelCase<A>, context: Context) => Promise<number | undefined> | number | undefined;
}

export interface Context {
  paths: Paths;
  env: NodeJS.ProcessEnv;
  inherited: Inherited;
  /** What follows `--` on the command line. */
  rest: string[];
  commands: Commands;
}

/** All of them by their verbs, loaded one at a time: a command costs only what it uses. */
export type Commands = Readonly<Record<string, () => Promise<Command>>>;

export function defineCommand<A>({ usage, describe, options, run }: CommandSpec<A>): Command {
  return {
    async runBare(context) {
      // what yargs finds when there is nothing to find
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

/** Options and arguments that may be given several times. */
const LISTS: ReadonlySet<string> = new Set('_ label type pairs runs ids after env channel status'.split(' '));

function checkRepeated(args: Readonly<Record<string, unknown>>): void {
  const repeated = Object.keys(args).find((key) => Array.isArray(args[key]) && !LISTS.has(key));
  if (repeated !== undefined) throw new ProgressError('usage', `--${repeated} is given twice`);
}
