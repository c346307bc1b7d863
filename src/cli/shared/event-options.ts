/** Options of commands that print events: the same names, values and errors wherever they occur. */
import { EVENT_TYPES } from '../../core/events/event.js';
import { LEVELS } from '../../core/events/filter.js';
import { ProgressError } from '../../core/base/errors.js';
import type { Pattern } from '../../platform/patterns.js';
import { compilePattern } from '../../platform/patterns.js';
import { suggest } from '../../core/text/suggest.js';
import type { OptionTable } from '../options.js';
import { complain } from './output.js';

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
  const types = given?.flatMap((list) => list.split(','));
  for (const type of types ?? []) {
    if (type === 'all' || EVENT_TYPES.some((known) => known === type)) continue;
    // producers may use types of their own
    const nearest = suggest(type, EVENT_TYPES);
    complain(
      `--type: ${type} is not in progress-events(7)${nearest === undefined ? '' : `; did you mean ${nearest}?`}`,
    );
  }
  return types;
}

export function compileGrep(source: string, ignoreCase: boolean): Pattern {
  try {
    return compilePattern(source, { ignoreCase });
  } catch (error) {
    throw new ProgressError('usage', `--grep: ${ProgressError.from(error).message}`, { cause: error });
  }
}
