/** The resources tab: CPU and memory of the processes over time. */
import { useState } from 'preact/hooks';
import { formatBytes, formatClock } from '../../src/core/text/format.js';
import type { TabProps } from './tab-props.js';
import { useTimeline } from './timeline.js';

type Point = readonly [at: number, value: number];

interface ChartProps {
  title: string;
  points: readonly Point[];
  format: (value: number) => string;
}

const WIDTH = 600;
const HEIGHT = 120;

export function ResourcesTab({ execution }: TabProps) {
  const { samples } = useTimeline(execution);
  const { resources } = execution;
  if (samples.length === 0) return <p class="empty">Nothing was measured. Only what progress run starts is.</p>;
  return (
    <div class="resources">
      <p class="facts">
        {resources?.peakRss !== undefined && <span>peak {formatBytes(resources.peakRss)}</span>}
        {resources?.cpuSeconds !== undefined && <span>{resources.cpuSeconds.toFixed(1)} s of processor</span>}
        {resources?.processes !== undefined && <span>{resources.processes} processes</span>}
      </p>
      <Chart title="CPU" points={samples.map(([at, cpu]) => [at, cpu])} format={(value) => `${Math.round(value)} %`} />
      <Chart title="Memory" points={samples.map(([at, , rss]) => [at, rss])} format={formatBytes} />
    </div>
  );
}

function Chart({ title, points, format }: ChartProps) {
  const [pointed, setPointed] = useState<Point | undefined>();
  const first = points[0]?.[0] ?? 0;
  const last = points.at(-1)?.[0] ?? first;
  const top = niceTop(Math.max(...points.map(([, value]) => value)));
  const x = (at: number) => (last === first ? 0 : ((at - first) / (last - first)) * WIDTH);
  const y = (value: number) => HEIGHT - (value / top) * HEIGHT;
  const line = points.map(
    ([at, value], index) => `${index === 0 ? 'M' : 'L'}${x(at).toFixed(1)} ${y(value).toFixed(1)}`,
  );
  const area = `${line.join('')}L${x(last).toFixed(1)} ${HEIGHT}L0 ${HEIGHT}Z`;
  const average = points.reduce((sum, [, value]) => sum + value, 0) / points.length;
  const most = Math.max(...points.map(([, value]) => value));
  const summary = `${title}: ${format(average)} on average, ${format(most)} at most`;
  const onMove = (event: MouseEvent) => {
    const box = (event.currentTarget as SVGElement).getBoundingClientRect();
    const at = first + ((event.clientX - box.left) / box.width) * (last - first);
    setPointed(points.reduce((best, point) => (Math.abs(point[0] - at) < Math.abs(best[0] - at) ? point : best)));
  };
  return (
    <figure>
      <figcaption>
        {summary}
        {pointed && (
          <span class="pointed">
            {' '}
            · {formatClock(pointed[0])} {format(pointed[1])}
          </span>
        )}
      </figcaption>
      <div class="chart">
        <span class="top">{format(top)}</span>
        <svg
          viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={summary}
          onMouseMove={onMove}
          onMouseLeave={() => setPointed(undefined)}
        >
          <path class="area" d={area} />
          <path class="line" d={line.join('')} />
          {pointed && <path class="cursor" d={`M${x(pointed[0])} 0V${HEIGHT}`} />}
        </svg>
        <span class="ends">
          <span>{formatClock(first)}</span>
          <span>{formatClock(last)}</span>
        </span>
      </div>
    </figure>
  );
}

/** Rounds up to 1, 2 or 5 times a power of ten. */
function niceTop(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5, 10].find((factor) => factor * power >= value) ?? 10) * power;
}
