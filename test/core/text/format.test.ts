import t from 'tap';
import type { Status } from '../../../src/core/execution.js';
import {
  formatAge,
  formatBytes,
  formatClock,
  formatCount,
  formatCpu,
  formatDuration,
  formatOutcome,
  formatPercent,
  formatQuantity,
  formatRemaining,
  shortenIds,
  statusIcon,
  statusMark,
  statusWord,
} from '../../../src/core/text/format.js';
import { cellsOf } from '../../../src/terminal/width.js';

const STATUSES: Status[] = [
  'pending',
  'queued',
  'running',
  'paused',
  'completed',
  'failed',
  'cancelled',
  'timeout',
  'skipped',
  'lost',
];
const SECOND = 1000;
const HOUR = 3_600_000;

t.test('processors', (t) => {
  t.same([0, 0.4, 99.5, 1234.4, -1, NaN].map(formatCpu), ['0%', '0%', '100%', '1,234%', '0%', '0%']);
  t.end();
});

t.test('durations', (t) => {
  t.same([0, 449, 9_999, 10_000, 41_900, 59_999].map(formatDuration), ['0.0s', '0.4s', '9.9s', '10s', '41s', '59s']);
  t.same([60_000, 401_000, HOUR, HOUR + 123_000].map(formatDuration), ['1:00', '6:41', '1:00:00', '1:02:03']);
  t.same([24 * HOUR, 49 * HOUR + 62_000].map(formatDuration), ['1d 0:00:00', '2d 1:01:02']);
  t.same([-5, NaN, Infinity].map(formatDuration), ['0.0s', '0.0s', '0.0s'], 'never negative, never NaN');
  t.end();
});

t.test('ages have one unit', (t) => {
  t.same([0, 59_999, 60_000, HOUR, 47 * HOUR, 48 * HOUR, -1].map(formatAge), [
    '0s',
    '59s',
    '1m',
    '1h',
    '1d',
    '2d',
    '0s',
  ]);
  t.end();
});

t.test('an estimate is rounded by its size', (t) => {
  t.same([0, 1, 5.1 * SECOND, 9.5 * SECOND].map(formatRemaining), ['~1s', '~1s', '~5s', '~10s']);
  t.same([10 * SECOND, 23 * SECOND, 58 * SECOND].map(formatRemaining), ['~10s', '~25s', '~1:00']);
  t.same([61 * SECOND, 400 * SECOND, 601 * SECOND].map(formatRemaining), ['~1:00', '~6:30', '~10:00']);
  t.same([HOUR + 1, -20].map(formatRemaining), ['~1:00:00', '~1s']);
  t.end();
});

t.test('bytes, counts and percentages', (t) => {
  t.same([0, 812, 1024, 4_300, 412 * 2 ** 20, 2 ** 50, -1].map(formatBytes), [
    '0 B',
    '812 B',
    '1.0 KiB',
    '4.2 KiB',
    '412 MiB',
    '1024 TiB',
    '0 B',
  ]);
  t.same([0, 1234567, 1.234, -3].map(formatCount), ['0', '1,234,567', '1.23', '-3']);
  t.same([0, 0.29, 0.57, 0.999, 1, 1.5, -1, NaN].map(formatPercent), [
    '0%',
    '29%',
    '57%',
    '99%',
    '100%',
    '100%',
    '0%',
    '0%',
  ]);
  t.equal(formatQuantity(1, 'story', 'stories'), '1 story');
  t.equal(formatQuantity(2, 'step'), '2 steps');
  t.end();
});

t.test('clock time is local', (t) => {
  t.equal(formatClock(new Date(2026, 10, 20, 9, 5, 7).getTime()), '09:05:07');
  t.end();
});

t.test('an outcome is formatted with its duration', (t) => {
  t.equal(formatOutcome('completed', 712_000), 'completed in 11:52');
  t.equal(formatOutcome('timeout', 2_000), 'timed out after 2.0s');
  t.equal(formatOutcome('running', 61_000), 'running for 1:01');
  t.equal(formatOutcome('skipped', undefined), 'skipped');
  t.end();
});

t.test('icons have one cell, marks two, ASCII three, and none a variation selector', (t) => {
  for (const attention of [undefined, 'waiting', 'silent'] as const) {
    for (const status of STATUSES) {
      t.equal(cellsOf(statusIcon(status, false, attention)), 1, status);
      t.equal(cellsOf(statusMark(status, false, attention)), 2, status);
      t.match(statusMark(status, true, attention), /^\[.\]$/, status);
      t.notMatch(statusMark(status, false, attention), /\ufe0f/);
    }
  }
  t.same(
    ['completed', 'running', 'failed', 'pending'].map((status) => statusMark(status as Status, false)),
    ['✅', '⏳', '❌', '○ '],
  );
  t.equal(new Set(STATUSES.map((status) => statusIcon(status, true))).size, STATUSES.length, 'each its own');
  t.end();
});

t.test('attention is shown of running executions only', (t) => {
  t.equal(statusWord('running', 'waiting'), 'waiting');
  t.equal(statusWord('failed', 'waiting'), 'failed');
  t.equal(statusWord('queued'), 'queued');
  t.end();
});

t.test('IDs are shortened to unique prefixes of at least four characters', (t) => {
  t.same(
    [...shortenIds(['7hq2m4kd9x', '7hq2m5aaaa', 'bcdefg', 'x'])],
    [
      ['7hq2m4kd9x', '7hq2m4'],
      ['7hq2m5aaaa', '7hq2m5'],
      ['bcdefg', 'bcde'],
      ['x', 'x'],
    ],
  );
  t.same(
    [...shortenIds(['job', 'job~2'])],
    [
      ['job', 'job'],
      ['job~2', 'job~'],
    ],
  );
  t.same([...shortenIds([])], []);
  t.end();
});
