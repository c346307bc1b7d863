/** Tables of options and positionals. `--help`, completion and the OPTIONS lists of the manual are generated from them. */
import type { Argv, Options, PositionalOptions } from 'yargs';

interface Described {
  /** One imperative line without a period: the text of `--help`, and the first sentence of the manual. */
  readonly describe: string;
  readonly choices?: readonly string[];
}

export interface OptionSpec extends Described {
  /** A `list` is given by repeating the option. */
  readonly type: 'boolean' | 'string' | 'number' | 'list';
  /** One letter. */
  readonly alias?: string;
  /** Name of the value in the manual: `time`, `key=value`. */
  readonly value?: string;
  /** The value may be left out, and is then an empty text. */
  readonly isOptional?: true;
}

export interface PositionalSpec extends Described {
  readonly required?: true;
  /** Takes all remaining words. */
  readonly many?: boolean;
  readonly default?: string;
}

export type OptionTable = Readonly<Record<string, OptionSpec>>;
/** In the order of the command line. */
export type PositionalTable = Readonly<Record<string, PositionalSpec>>;

type Text<S extends Described> = S extends { choices: readonly (infer C)[] } ? C : string;
type ValueOf<S extends OptionSpec> = {
  boolean: boolean;
  string: Text<S>;
  number: number;
  list: string[];
}[S['type']];
type WordOf<S extends PositionalSpec> = S extends { many: true } ? Text<S>[] : Text<S>;
type IsGiven<S extends PositionalSpec> = S extends { required: true } | { default: string } ? true : false;

/** What the parser returns for a table of options. */
export type OptionValues<O extends OptionTable> = { [K in keyof O]?: ValueOf<O[K]> | undefined };

/** What the parser returns for the two tables. */
export type Arguments<P extends PositionalTable, O extends OptionTable> = OptionValues<O> & {
  [K in keyof P as IsGiven<P[K]> extends true ? K : never]: WordOf<P[K]>;
} & {
  [K in keyof P as IsGiven<P[K]> extends true ? never : K]?: WordOf<P[K]> | undefined;
};

/** Option of every command that prints one document or a list. */
export const JSON_OPTION = { json: { type: 'boolean', describe: 'Print JSON' } } as const satisfies OptionTable;

/** Description of a positional that names one execution, and of one that names several. */
export const ANY_ID = 'ID, prefix of an ID, or name';
export const ANY_IDS = 'IDs, prefixes of IDs, or names';

/** @returns the verb with its positionals: `show <id>`, `stop [runs..]` */
export function synopsisOf(verb: string, positionals: PositionalTable): string {
  const words = Object.entries(positionals).map(([name, { required, many }]) => {
    const word = many ? `${name}..` : name;
    return required ? `<${word}>` : `[${word}]`;
  });
  return [verb, ...words].join(' ');
}

/** Registers the tables with the parser. */
export function addArguments(yargs: Argv, positionals: PositionalTable, options: OptionTable): Argv {
  for (const [name, spec] of Object.entries(positionals)) yargs.positional(name, toPositional(spec));
  for (const [name, spec] of Object.entries(options)) yargs.option(name, toOption(spec));
  return yargs;
}

function toPositional({ required, many, ...rest }: PositionalSpec): PositionalOptions {
  return { type: 'string', ...rest, ...(required && { demandOption: true }), ...(many && { array: true }) };
}

function toOption({ type, alias, describe, choices, isOptional }: OptionSpec): Options {
  const shared = { describe, ...(alias !== undefined && { alias }) };
  if (type === 'list') return { ...shared, type: 'string', array: true, nargs: 1 };
  return {
    ...shared,
    type,
    ...(choices && { choices }),
    ...(type !== 'boolean' && !isOptional && { requiresArg: true }),
  };
}
