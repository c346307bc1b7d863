/** Looks up formats by name, by the program that prints them, and by a line of output. */
import { ProgressError } from '../core/errors.js';
import type { Format } from './format.js';
import { parseObject } from './json.js';

/** Choices that are no format: recognise one, and recognise none. */
export const AUTO = 'auto';
export const PLAIN = 'plain';

const MAX_WRAPPING_WORDS = 6;

export class FormatRegistry {
  readonly all: readonly Format[];
  /** Formats of output for people. */
  readonly texts: readonly Format[];
  /** What `--format` of a command's output may name. */
  readonly choices: readonly Pick<Format, 'name' | 'describe'>[];

  constructor(formats: readonly Format[]) {
    this.all = formats;
    this.texts = formats.filter(({ kind }) => kind === 'text');
    this.choices = [
      { name: AUTO, describe: 'whatever is recognised: the default' },
      { name: PLAIN, describe: 'nothing is looked for' },
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

  /** The format of a program that was asked to print it, also when another one starts it: `npx`, `env`, `timeout 10m`. */
  ofProgram(argv: readonly string[]): Format | undefined {
    for (let at = 0; at < Math.min(argv.length, MAX_WRAPPING_WORDS); at++) {
      const name = argv[at]?.replace(/^.*\//, '') ?? '';
      const args = argv.slice(at + 1);
      const format = this.all.find(({ kind, isProgram }) => kind === 'stream' && isProgram?.(name, args));
      if (format) return format;
    }
    return undefined;
  }

  /** The only format of this kind that has such lines. */
  ofLine(text: string, kind: Format['kind']): Format | undefined {
    const line = parseObject(text);
    return line && this.all.find((format) => format.kind === kind && format.isLine?.(line));
  }
}
