/** Tables with an entry for each condition of a rule: a condition without an entry does not compile. */
import type { Conditions } from '../api/conditions.js';

/** By condition: a function of the value that a rule gives it. */
export type ConditionTable<Result> = {
  readonly [K in keyof Conditions]-?: (wanted: NonNullable<Conditions[K]>) => readonly Result[];
};

/** Returns the results for the conditions of a rule, in the order of the table. */
export function applyTable<Result>(table: Partial<ConditionTable<Result>>, when: Conditions): Result[] {
  return Object.entries(table).flatMap(([condition, resultsOf]) => {
    const wanted = when[condition as keyof Conditions];
    return wanted === undefined ? [] : (resultsOf as (wanted: unknown) => readonly Result[])(wanted);
  });
}
