/** Shows the status in the title and the icon of the browser tab. */
import { estimate } from '../src/core/estimates/estimate.js';
import type { Execution } from '../src/core/execution.js';
import { isFinal } from '../src/core/execution.js';
import { formatPercent, statusIcon } from '../src/core/text/format.js';
import { staleReason } from './context.js';
import type { Model } from './live/model.js';

const COLORS = { live: '#15803d', failed: '#b91c1c', waiting: '#b45309', idle: '#6b7280' } as const;

export function showInTab(model: Model, id: string | undefined): void {
  const title = id === undefined ? listTitle(model) : executionTitle(model, model.find(id));
  if (document.title !== title) document.title = title;
  const icon = document.querySelector<HTMLLinkElement>('link[rel=icon]');
  const href = iconOf(COLORS[toneOf(model, id)]);
  if (icon && icon.getAttribute('href') !== href) icon.href = href;
}

function executionTitle(model: Model, execution: Execution | undefined): string {
  if (!execution) return 'progress';
  const { share } = estimate(execution, model.now());
  const sign = staleReason(model) === undefined ? statusIcon(execution.status, false, execution.attention?.state) : '?';
  const percent = share === undefined || isFinal(execution.status) ? '' : ` ${formatPercent(share)}`;
  return `${sign}${percent} ${execution.name}`;
}

function listTitle(model: Model): string {
  const running = model.executions().filter(({ status }) => status === 'running').length;
  if (staleReason(model) !== undefined) return '? progress';
  return running === 0 ? 'progress' : `● ${running} progress`;
}

function toneOf(model: Model, id: string | undefined): keyof typeof COLORS {
  const executions = id === undefined ? model.executions() : [model.find(id)].filter((one) => one !== undefined);
  if (staleReason(model) !== undefined) return 'idle';
  if (executions.some(({ attention }) => attention?.state === 'waiting')) return 'waiting';
  if (id !== undefined && executions.some(({ status }) => status === 'failed')) return 'failed';
  return executions.some(({ status }) => status === 'running') ? 'live' : 'idle';
}

function iconOf(color: string): string {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="6" fill="${color}"/></svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}
