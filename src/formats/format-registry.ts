/** Looks up formats by name, by the program that prints them, and by a line of output. */
import { ProgressError } from '../core/base/errors.js';
import type { Format } from './format.js';
import { parseObject } from './json.js';

/** Choices besides the formats: recognise a format, and recognise none. */
export const AUTO = 'auto';
export const PLAIN = 'plain';

const MAX_WRAPPING_WORDS = 6;

export class FormatRegistry {
  readonly all: readonly Format[];
  /** Formats of the kind `text`. */
  readonly texts: readonly Format[];
  /** Choices of `--format` for the output of a command. */
  readonly choices: readonly Pick<Format, 'name' | 'describe'>[];

  constructor(formats: readonly Format[]) {
    this.all = formats;
    this.texts = formats.filter(({ kind }) => kind === 'text');
    this.choices = [
      { name: AUTO, describe: 'recognise the format (default)' },
      { name: PLAIN, describe: 'do not parse the output' },
      ...formats.filter(({ kind }) => kind !== 'transcript'),
    ];
  }

  find(name: string): Format | undefined {
    return this.all.find((one) => one.name === name);
  }

  /** @throws ProgressError `usage` for an unknown name. */
  named(name: string): Format {
    const format = this.find(name);
    if (format) return format;
    const names = [AUTO, PLAIN, ...this.all.map((one) => one.name)].join(', ');
    throw new ProgressError('usage', `--format: "${name}" is none of ${names}`);
  }

  /** Finds the format that a command line selects, also behind wrappers: `npx`, `env`, `timeout 10m`. */
  ofProgram(argv: readonly string[]): Format | undefined {
    for (let at = 0; at < Math.min(argv.length, MAX_WRAPPING_WORDS); at++) {
      const name = argv[at]?.replace(/^.*\//, '') ?? '';
      const args = argv.slice(at + 1);
      const format = this.all.find(({ kind, isProgram }) => kind === 'stream' && isProgram?.(name, args));
      if (format) return format;
    }
    return undefined;
  }

  /** Finds the format of this kind that a line identifies. */
  ofLine(text: string, kind: Format['kind']): Format | undefined {
    const line = parseObject(text);
    return line && this.all.find((format) => format.kind === kind && format.isLine?.(line));
  }
}
