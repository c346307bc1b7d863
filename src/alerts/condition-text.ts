/** Formats the conditions of a rule for the list of rules. */
import type { Conditions } from '../api/conditions.js';
import { formatBytes, formatDuration, formatUsd } from '../core/format.js';

/** Formats as in `status failed or timeout, name backup-*, longer than 10:00`. */
export function conditionText(when: Conditions): string {
  const {
    type,
    status,
    attention,
    kind,
    agent,
    name,
    label,
    longerThan,
    exitStatus,
    queue,
    resource,
    output,
    step,
    level,
    costUsd,
    tokensPerMinute,
  } = when;
  const lists = { type, status, attention, kind, agent, name, queue, step, 'exit status': exitStatus };
  const used = [
    ...(resource?.cpu === undefined ? [] : [`${resource.cpu} % of a core`]),
    ...(resource?.memory === undefined ? [] : [formatBytes(resource.memory)]),
  ];
  return [
    ...Object.entries(lists).flatMap(([what, values]) => (values ? [`${what} ${values.join(' or ')}`] : [])),
    ...Object.entries(label ?? {}).map(([key, pattern]) => `label ${key}=${pattern}`),
    ...(longerThan === undefined ? [] : [`longer than ${formatDuration(longerThan)}`]),
    ...(resource ? [`above ${used.join(' and ')} for ${formatDuration(resource.for)}`] : []),
    ...(level ? [`level ${level} or worse`] : []),
    ...(costUsd === undefined ? [] : [`costs more than ${formatUsd(costUsd)}`]),
    ...(tokensPerMinute
      ? [`more than ${tokensPerMinute.above} tokens a minute over ${formatDuration(tokensPerMinute.window)}`]
      : []),
    ...(output === undefined ? [] : [`output /${output}/`]),
  ].join(', ');
}
