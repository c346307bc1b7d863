/** Options of commands that print events: the same names, values and errors wherever they occur. */
import { LEVELS } from '../../core/events/filter.js';
import { ProgressError } from '../../core/base/errors.js';
import type { Pattern } from '../../platform/patterns.js';
import { compilePattern } from '../../platform/patterns.js';
import type { OptionTable } from '../options.js';

export const EVENT_OPTIONS = {
  since: { type: 'string', value: 'time', describe: 'Print events since a time, or 10m, 2h, 3d ago, yesterday' },
  grep: { type: 'string', value: 'pattern', describe: 'Print lines that match a regular expression' },
  'ignore-case': { type: 'boolean', alias: 'i', describe: 'Ignore case' },
  type: { type: 'list', value: 'type', describe: "Print events of these types; 'all' for every type" },
  level: {
    type: 'string',
    value: 'level',
    choices: LEVELS,
    describe: 'Print messages of this level and above',
  },
  label: { type: 'list', value: 'key=value', describe: 'Print events of executions with this label, key=value' },
} as const satisfies OptionTable;

/** Types as given: several options, or several types in one. */
export function parseTypes(given: readonly string[] | undefined): readonly string[] | undefined {
  return given?.flatMap((list) => list.split(','));
}

export function compileGrep(source: string, ignoreCase: boolean): Pattern {
  try {
    return compilePattern(source, { ignoreCase });
  } catch (error) {
    throw new ProgressError('usage', `--grep: ${ProgressError.from(error).message}`, { cause: error });
  }
}
