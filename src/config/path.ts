/** Formats and parses paths of the configuration: `rules[0].when.output`, `queues."nightly builds".slots`. */
import { shorten } from './value-types.js';

/** Path of keys of mappings and positions in lists. */
export type KeyPath = readonly (string | number)[];

/** One step of a path, after another one. */
const STEP = /\.(?:([\w-]+)|("(?:[^"\\]|\\.)*"))|\[(\d{1,9})\]/y;

export function formatPath(path: KeyPath): string {
  return path
    .map((step, at) => (typeof step === 'number' ? `[${step}]` : `${at === 0 ? '' : '.'}${formatName(step)}`))
    .join('');
}

/** Formats a plain name unchanged, any other as JSON. */
function formatName(name: string): string {
  return /^[\w-]+$/.test(name) ? shorten(name) : JSON.stringify(shorten(name));
}

/** Parses a path; returns undefined for an invalid one. */
export function parsePath(text: string): KeyPath | undefined {
  const steps: (string | number)[] = [];
  const rest = `.${text}`;
  for (STEP.lastIndex = 0; STEP.lastIndex < rest.length;) {
    const [step, plain, quoted, position] = STEP.exec(rest) ?? [];
    if (step === undefined) return undefined;
    try {
      steps.push(plain ?? (quoted === undefined ? Number(position) : (JSON.parse(quoted) as string)));
    } catch {
      return undefined; // an escape that JSON does not know
    }
  }
  return steps;
}
