/** Reads the arguments of a command from its definition, the same that `--help` uses. */
import type { Argv, Options, PositionalOptions } from 'yargs';
import type { Command, Context } from '../../command.js';

export interface Argument {
  /** Name in the definition, which determines the kind of value. */
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

/** Options that the parser adds to every command. */
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

/** Registers the command with a parser that records its definition. */
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
  // definitions use only these methods; with another one completion fails, and its test reports it
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
