/** What a command takes, read off the same definition that `--help` is made of, so that nothing can drift. */
import type { Argv, Options, PositionalOptions } from 'yargs';
import type { Command, Context } from '../../command.js';

export interface Argument {
  /** As in the definition: it says what kind of value is wanted. */
  name: string;
  description: string;
  choices: readonly string[];
  /** Takes any number of values. */
  many: boolean;
}

export interface Option extends Argument {
  /** With their dashes. */
  spellings: string[];
  takesValue: boolean;
}

export interface CommandShape {
  /** The verb and its positionals: `show <id>`. */
  usage: string;
  description: string;
  positionals: Argument[];
  options: Option[];
}

/** The parser's own, which no definition names. */
const HELP: Option = {
  ...{ name: 'help', description: 'Show help', choices: [], many: false },
  ...{ spellings: ['--help', '-h'], takesValue: false },
};
export const VERSION_OPTION: Option = {
  ...HELP,
  name: 'version',
  description: 'Show the version',
  spellings: ['--version', '-V'],
};
export const GLOBAL_OPTIONS: readonly Option[] = [HELP, VERSION_OPTION];

/** Lets the command register itself with a parser that only takes notes. */
export function readShape(command: Command, context: Context): CommandShape {
  const shape: CommandShape = { usage: '', description: '', positionals: [], options: [] };
  const described = new Map<string, PositionalOptions>();
  const notes = {
    option(name: string, option: Options) {
      shape.options.push(toOption(name, option));
      return notes;
    },
    positional(name: string, positional: PositionalOptions) {
      described.set(name, positional);
      return notes;
    },
    parserConfiguration: () => notes,
  };
  const parser = {
    command(usage: string, description: string, options: (parser: typeof notes) => unknown) {
      options(notes);
      shape.usage = usage;
      shape.description = description;
      for (const [, name = '', dots] of usage.matchAll(/[<[]([\w-]+)(\.\.)?[\]>]/g)) {
        const positional = described.get(name) ?? {};
        shape.positionals.push({ ...toArgument(name, positional), many: dots !== undefined });
      }
    },
  };
  // these are the only methods that definitions use: with another one completion fails, and its test tells
  command.register(parser as unknown as Argv, context, () => undefined);
  shape.options.push(HELP);
  return shape;
}

function toArgument(name: string, { describe, choices }: Options | PositionalOptions): Omit<Argument, 'many'> {
  return { name, description: describe ?? '', choices: (choices ?? []).map(String) };
}

function toOption(name: string, option: Options): Option {
  const { alias = [], array, type } = option;
  const names = [name, ...[alias].flat()];
  return {
    ...toArgument(name, option),
    many: array === true || type === 'array',
    spellings: names.map((each) => (each.length === 1 ? `-${each}` : `--${each}`)),
    takesValue: type !== 'boolean' && type !== 'count',
  };
}
