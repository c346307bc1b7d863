/** Random executions with difficult texts for terminals. */
import type { Execution, Status, Step } from '../../src/core/execution.js';
import { isFinal } from '../../src/core/execution.js';
import { makeExecution, makeStep, timeAt } from './models.js';
import type { Random } from './random.js';
import { between, pick } from './random.js';

const FRAGMENTS = [
  'build',
  'Run integration tests',
  '漢字のビルド',
  '한국어',
  '✅',
  '⏳',
  '🎉',
  '👩‍👩‍👧‍👦',
  '🇩🇪',
  '⚠️',
  'e\u0301',
  'naïve',
  '\u001b[31mred\u001b[0m',
  '\u001b[2J',
  '\u001b]0;title\u0007',
  '\r50%\r51%',
  '\t',
  '\n',
  '\u202e',
  '\u009b',
  '│',
  '○',
  'x'.repeat(90),
  '\u0000',
  '\ud800',
  'क्षि',
  '1️⃣',
  '',
];
const STATUSES: readonly Status[] = [
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

export function randomText(random: Random): string {
  return Array.from({ length: between(random, 0, 5) }, () => pick(random, FRAGMENTS)).join(pick(random, ['', ' ']));
}

function randomStep(random: Random, index: number): Step {
  const status = pick(random, STATUSES);
  const step = makeStep({
    id: `s${index}`,
    name: randomText(random),
    kind: pick(random, ['step', 'story', 'criterion', 'criterion', 'tool', 'invocation', 'review']),
    status,
  });
  if (random() < 0.5 && index > 0) step.parent = `s${between(random, 0, index)}`;
  if (status !== 'pending') step.startedAt = timeAt(between(random, 0, 60_000));
  if (isFinal(status)) step.durationMs = between(random, 0, 4_000_000);
  if (random() < 0.2) step.model = randomText(random);
  if (random() < 0.2) step.error = randomText(random);
  return step;
}

export function randomExecution(random: Random, index: number): Execution {
  const status = pick(random, ['running', 'running', ...STATUSES] as const);
  const execution = makeExecution({
    id: `${index}-${between(random, 1000, 9999)}`,
    name: randomText(random),
    status,
    startedAt: timeAt(between(random, -100_000, 60_000)),
    tail: Array.from({ length: between(random, 0, 12) }, () => randomText(random)),
    steps: Array.from({ length: between(random, 0, 14) }, (_, step) => randomStep(random, step)),
  });
  if (random() < 0.3) execution.attention = { state: pick(random, ['waiting', 'silent'] as const) };
  if (execution.attention && random() < 0.3) execution.attention.reason = randomText(random);
  if (random() < 0.5)
    execution.progress = { current: between(random, -3, 50), total: between(random, 0, 40), unit: randomText(random) };
  if (random() < 0.3) execution.announced = { estimatedMs: between(random, 0, 1_000_000) };
  if (random() < 0.3) execution.outcome = { error: randomText(random) };
  if (isFinal(status)) execution.endedAt = timeAt(100_000);
  return execution;
}
