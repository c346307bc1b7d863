/** Folds the resources that the processes of an execution use. */
import type { EventData, ExecutionEvent } from '../events/event.js';
import { numberOf } from '../events/event.js';
import type { Execution, Resources } from '../execution.js';
import { isFinal } from '../execution.js';
import { assignNumber } from '../events/fields.js';

export function setResources(execution: Execution, { data }: ExecutionEvent): void {
  // a late sample was measured before the end, which carried the final figures
  if (isFinal(execution.status)) return;
  const resources: Resources = { ...execution.resources };
  assignNumber(resources, data, ['cpu', 'rss', 'processes']);
  if (resources.cpu !== undefined) resources.peakCpu = Math.max(resources.cpu, resources.peakCpu ?? 0);
  setUsed(resources, data);
  execution.resources = resources;
}

/** Drops the current usage at the end; keeps the totals and peaks. */
export function endResources(execution: Execution, data: EventData): void {
  const { cpu: _cpu, rss: _rss, processes: _processes, ...resources } = execution.resources ?? {};
  setUsed(resources, data);
  if (Object.keys(resources).length > 0) execution.resources = resources;
  else delete execution.resources;
}

function setUsed(resources: Resources, data: EventData): void {
  assignNumber(resources, data, ['cpuSeconds']);
  // samples come from several observers, so a peak never decreases
  const peakRss = Math.max(numberOf(data, 'peakRss') ?? 0, numberOf(data, 'rss') ?? 0);
  if (peakRss > (resources.peakRss ?? 0)) resources.peakRss = peakRss;
}
