/** The tab with CPU and memory over time. */
import { ProgressError } from '../../../core/base/errors.js';
import { formatBytes, formatClock, formatCpu } from '../../../core/text/format.js';
import { paint } from '../../paint.js';
import type { Style } from '../../style.js';
import type { TimelineFacts } from '../page.js';
import { ScrollingPage } from './scrolling.js';
import type { TabContext } from './tab-context.js';

const REFRESH_MS = 2_000;
const CHART_ROWS = 6;
const EIGHTHS = ' ▁▂▃▄▅▆▇█';

type Samples = TimelineFacts['samples'];

export function createResourcesTab({ source, id, onChange }: TabContext): ScrollingPage {
  let samples: Samples = [];
  let failure: string | undefined;
  let readAt = -Infinity;
  let isReading = false;
  const read = async (): Promise<void> => {
    if (isReading || Date.now() - readAt < REFRESH_MS) return;
    isReading = true;
    try {
      ({ samples } = await source.timeline(id));
      failure = undefined;
    } catch (error) {
      failure = ProgressError.from(error).message;
    }
    readAt = Date.now();
    isReading = false;
    onChange();
  };
  return new ScrollingPage(({ columns }, style) => {
    void read();
    if (failure !== undefined) return [paint(failure, 'bad', style)];
    if (samples.length === 0) return [paint('No samples yet', 'dim', style)];
    const span = `${formatClock(samples[0]?.[0] ?? 0)} to ${formatClock(samples.at(-1)?.[0] ?? 0)}`;
    return [
      ...chart(
        'CPU',
        samples.map(([, cpu]) => cpu),
        formatCpu,
        columns,
        style,
      ),
      '',
      ...chart(
        'Memory',
        samples.map(([, , rss]) => rss),
        formatBytes,
        columns,
        style,
      ),
      paint(span, 'dim', style),
    ];
  });
}

/** A chart of columns in eighths of a cell, with the peak in its title. */
function chart(
  title: string,
  values: readonly number[],
  format: (value: number) => string,
  columns: number,
  style: Style,
): string[] {
  const peak = Math.max(...values, 1e-9);
  const cells = resample(values, Math.max(1, columns - 1)).map((value) => (value / peak) * CHART_ROWS * 8);
  const now = format(values.at(-1) ?? 0);
  const head = `${paint(title, 'strong', style)}  ${now}  ${paint(`peak ${format(peak)}`, 'dim', style)}`;
  const rows = Array.from({ length: CHART_ROWS }, (_, row) => {
    const floor = (CHART_ROWS - 1 - row) * 8;
    const text = cells.map((height) => {
      const eighths = Math.round(Math.min(8, Math.max(0, height - floor)));
      return style.ascii ? (eighths > 3 ? '#' : ' ') : (EIGHTHS[eighths] ?? ' ');
    });
    return paint(text.join('').trimEnd(), 'active', style);
  });
  return [head, ...rows];
}

/** The maximum of each of at most `count` equal parts, so that no peak is lost. */
function resample(values: readonly number[], count: number): number[] {
  if (values.length <= count) return [...values];
  return Array.from({ length: count }, (_, index) => {
    const from = Math.floor((index * values.length) / count);
    const to = Math.max(from + 1, Math.floor(((index + 1) * values.length) / count));
    return Math.max(...values.slice(from, to));
  });
}
