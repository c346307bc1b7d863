/** Where something stands in the configuration: `rules[0].when.output`, `queues."nightly builds".slots`. */
import { shorten } from './value-types.js';

/** Keys of mappings, positions in lists. */
export type KeyPath = readonly (string | number)[];

/** One step, as it stands behind another one. */
const STEP = /\.(?:([\w-]+)|("(?:[^"\\]|\\.)*"))|\[(\d{1,9})\]/y;

export function formatPath(path: KeyPath): string {
  return path
    .map((step, at) => (typeof step === 'number' ? `[${step}]` : `${at === 0 ? '' : '.'}${formatName(step)}`))
    .join('');
}

/** As it is if it is plain, else as a JSON text: what stands in the file may be anything. */
function formatName(name: string): string {
  return /^[\w-]+$/.test(name) ? shorten(name) : JSON.stringify(shorten(name));
}

/** Undefined for what is no path. */
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
