/** Reads what can be completed from the tables of a command. */
import type { Command } from '../../command.js';
import type { OptionSpec, PositionalSpec } from '../../options.js';

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
  positionals: Argument[];
  options: Option[];
}

/** Options that the parser adds to every command. */
const HELP: Option = toOption('help', { type: 'boolean', alias: 'h', describe: 'Show help' });
export const VERSION_OPTION: Option = toOption('version', {
  type: 'boolean',
  alias: 'V',
  describe: 'Show the version',
});
export const GLOBAL_OPTIONS: readonly Option[] = [HELP, VERSION_OPTION];

export function shapeOf({ positionals, options }: Command): CommandShape {
  return {
    positionals: Object.entries(positionals).map(([name, spec]) => toPositional(name, spec)),
    options: [...Object.entries(options).map(([name, spec]) => toOption(name, spec)), HELP],
  };
}

function toPositional(name: string, { describe, choices = [], many = false }: PositionalSpec): Argument {
  return { name, description: describe, choices, many };
}

function toOption(name: string, { type, alias, describe, choices = [] }: OptionSpec): Option {
  return {
    ...{ name, description: describe, choices, many: type === 'list' },
    spellings: [`--${name}`, ...(alias === undefined ? [] : [`-${alias}`])],
    takesValue: type !== 'boolean',
  };
}
