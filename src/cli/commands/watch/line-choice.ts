/** Reads from options which events are printed as lines, and how. */
import { ProgressError } from '../../../core/base/errors.js';
import type { LineOptions } from '../../../terminal/line-writer.js';
import type { OptionValues } from '../../options.js';
import type { EVENT_OPTIONS, LINE_OPTIONS } from '../../shared/event-options.js';
import { compileGrep, parseTypes } from '../../shared/event-options.js';
import { parsePairs } from '../../shared/option-values.js';
import { parseTimeExpression } from '../../shared/time-expressions.js';
import type { EventCriteria } from './event-selection.js';

export interface LineChoice {
  criteria: EventCriteria;
  form: Pick<LineOptions, 'isVerbose' | 'isUtc'>;
  /** Nothing is chosen. */
  isPlain: boolean;
}

type Given = Partial<OptionValues<typeof EVENT_OPTIONS> & OptionValues<typeof LINE_OPTIONS>>;

/** @throws {ProgressError} `usage` */
export function lineChoiceOf(args: Given, now: number): LineChoice {
  const { since, grep, label, level, type, verbose = false, utc = false } = args;
  if (args['ignore-case'] && grep === undefined) throw new ProgressError('usage', '-i needs --grep');
  const criteria = {
    since: since === undefined ? undefined : parseTimeExpression('since', since, now),
    types: parseTypes(type),
    level,
    pattern: grep === undefined ? undefined : compileGrep(grep, args['ignore-case'] ?? false),
    labels: label && parsePairs('label', label),
  };
  const isPlain = !verbose && !utc && Object.values(criteria).every((one) => one === undefined);
  return { criteria, form: { isVerbose: verbose, isUtc: utc }, isPlain };
}
