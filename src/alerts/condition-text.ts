/** Formats the conditions of a rule for the list of rules. */
import type { Conditions } from '../api/conditions.js';
import { formatBytes, formatDuration, formatUsd } from '../core/text/format.js';
import { applyTable, type ConditionTable } from './condition-table.js';

/** In the order of the text. */
const TEXTS = {
  type: oneOf('type'),
  status: oneOf('status'),
  attention: oneOf('attention'),
  kind: oneOf('kind'),
  agent: oneOf('agent'),
  name: oneOf('name'),
  queue: oneOf('queue'),
  step: oneOf('step'),
  exitStatus: oneOf('exit status'),
  label: (patterns) => Object.entries(patterns).map(([key, pattern]) => `label ${key}=${pattern}`),
  longerThan: (ms) => [`longer than ${formatDuration(ms)}`],
  resource({ cpu, memory, for: ms }) {
    const used = [
      ...(cpu === undefined ? [] : [`${cpu} % of a core`]),
      ...(memory === undefined ? [] : [formatBytes(memory)]),
    ];
    return [`above ${used.join(' and ')} for ${formatDuration(ms)}`];
  },
  level: (level) => [`level ${level} or worse`],
  costUsd: (usd) => [`costs more than ${formatUsd(usd)}`],
  tokensPerMinute: ({ above, window }) => [`more than ${above} tokens a minute over ${formatDuration(window)}`],
  output: (source) => [`output /${source}/`],
} satisfies ConditionTable<string>;

/** Formats as in `status failed or timeout, name backup-*, longer than 10:00`. */
export function conditionText(when: Conditions): string {
  return applyTable<string>(TEXTS, when).join(', ');
}

function oneOf(what: string) {
  return (values: readonly (string | number)[]) => [`${what} ${values.join(' or ')}`];
}
