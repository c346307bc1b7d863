/** The table of `progress ps`: sorted, grouped, with the columns that were asked for. Pure. */
import type { Execution } from '../../../core/execution.js';
import type { Grouping } from '../../../core/lists/groups.js';
import { groupExecutions } from '../../../core/lists/groups.js';
import type { Sorting } from '../../../core/lists/sort.js';
import { sortExecutionsBy } from '../../../core/lists/sort.js';
import type { ListColumn, ListOptions } from '../../../terminal/tables.js';
import { groupedLines, listLines } from '../../../terminal/tables.js';

/** What the command line says of the table. */
export interface TableForm {
  /** Include finished executions. */
  all: boolean;
  grouping: Grouping | undefined;
  sorting: Sorting | undefined;
  shown: readonly ListColumn[] | undefined;
}

/** @param executions - the newest first, which is the order unless the form has one */
export function tableOf(
  executions: readonly Execution[],
  { all, grouping, sorting, shown }: TableForm,
  options: Omit<ListOptions, 'all' | 'shown'>,
): string[] {
  const sorted = sorting === undefined ? executions : sortExecutionsBy(executions, sorting, options.now);
  const listed = { ...options, all, ...(shown && { shown }) };
  return grouping ? groupedLines(groupExecutions(sorted, grouping), grouping, listed) : listLines(sorted, listed);
}
