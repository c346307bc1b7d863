/** Options of commands that print events: the same names, values and errors wherever they occur. */
import { EVENT_TYPES } from '../../core/events/event.js';
import { LEVELS } from '../../core/events/filter.js';
import { ProgressError } from '../../core/base/errors.js';
import type { Pattern } from '../../platform/patterns.js';
import { compilePattern } from '../../platform/patterns.js';
import { suggest } from '../../core/text/suggest.js';
import type { OptionTable } from '../options.js';
import { complain } from './output.js';

const FILTERS = {
  grep: { type: 'string', value: 'pattern', describe: 'Print lines that match a regular expression' },
  'ignore-case': { type: 'boolean', alias: 'i', describe: 'Ignore case' },
  type: { type: 'list', value: 'type', describe: "Print events of these types; 'all' for every type" },
  level: {
    type: 'string',
    value: 'level',
    choices: LEVELS,
    describe: 'Print messages of this level and above',
  },
} as const satisfies OptionTable;

export const EVENT_OPTIONS = {
  since: { type: 'string', value: 'time', describe: 'Print events since a time, or 10m, 2h, 3d ago, yesterday' },
  ...FILTERS,
  label: { type: 'list', value: 'key=value', describe: 'Print events of executions with this label, key=value' },
} as const satisfies OptionTable;

/** Of lines that follow events live. */
export const LINE_OPTIONS = {
  verbose: { type: 'boolean', alias: 'v', describe: 'Print full IDs and data, and wrap long texts' },
  utc: { type: 'boolean', describe: 'Print times in UTC with their date, and full IDs' },
} as const satisfies OptionTable;

/** Of commands that follow the one execution that they start, if they are asked to. */
export const FOLLOW_OPTIONS = withFollow({ ...FILTERS, ...LINE_OPTIONS });

function withFollow<T extends OptionTable>(table: T): T {
  const entries = Object.entries(table).map(([name, option]) => {
    const { describe } = option;
    return [name, { ...option, describe: `With --follow: ${describe.charAt(0).toLowerCase()}${describe.slice(1)}` }];
  });
  return Object.fromEntries(entries) as T;
}

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
