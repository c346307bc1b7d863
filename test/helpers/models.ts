/** Executions and steps as a fold yields them, with defaults for all fields. */
import type { Execution, Step } from '../../src/core/execution.js';

/** Time at which the models begin. */
export const START = Date.parse('2026-11-20T10:34:20.000Z');

export function timeAt(ms: number): string {
  return new Date(START + ms).toISOString();
}

export function makeStep(step: Partial<Step> & { id: string }): Step {
  return { name: step.id, kind: 'step', status: 'pending', ...step };
}

export function makeExecution(given: Omit<Partial<Execution>, 'steps'> & { steps?: Step[] } = {}): Execution {
  const { steps = [], ...rest } = given;
  return {
    id: '7hq2m4kd9x',
    name: 'ship-login-page',
    kind: 'task',
    status: 'running',
    startedAt: timeAt(0),
    lastActivity: timeAt(400_000),
    tail: [],
    firstSeq: 1,
    lastSeq: 1,
    ...rest,
    steps: new Map(steps.map((step) => [step.id, step])),
  };
}

/** The running example: a story of seven, with criteria in every state. */
export function makeShipLogin(): Execution {
  return makeExecution({
    agent: { name: 'claude' },
    announced: { total: 7 },
    progress: { current: 18, total: 35, unit: 'tests' },
    resources: { cpu: 71.2, rss: 412 * 1024 * 1024 },
    steps: [
      makeStep({
        id: 'us-1',
        kind: 'story',
        name: 'Sign in',
        status: 'completed',
        startedAt: timeAt(0),
        durationMs: 60_000,
      }),
      makeStep({
        id: 'us-2',
        kind: 'story',
        name: 'Sign out',
        status: 'completed',
        startedAt: timeAt(60_000),
        durationMs: 90_000,
      }),
      makeStep({
        id: 'us-3',
        kind: 'story',
        name: 'Add password reset',
        status: 'running',
        startedAt: timeAt(150_000),
      }),
      makeStep({
        id: 'run',
        name: 'Run integration tests',
        status: 'running',
        parent: 'us-3',
        startedAt: timeAt(337_000),
      }),
      ...['Reset link is e-mailed', 'Token expires after 30 minutes'].map((name, index) =>
        makeStep({
          id: `ac-${index}`,
          kind: 'criterion',
          name,
          parent: 'us-3',
          status: 'completed',
          startedAt: timeAt(200_000),
          durationMs: 48_000 + index * 24_000,
        }),
      ),
      makeStep({
        id: 'ac-2',
        kind: 'criterion',
        name: 'Used token is rejected',
        parent: 'us-3',
        status: 'failed',
        startedAt: timeAt(300_000),
        durationMs: 31_000,
        error: 'expected 401, got 200',
      }),
      makeStep({
        id: 'ac-3',
        kind: 'criterion',
        name: 'Rate limit: 5 per hour',
        parent: 'us-3',
        status: 'running',
        startedAt: timeAt(370_000),
      }),
      makeStep({ id: 'ac-4', kind: 'criterion', name: 'Audit entry is written', parent: 'us-3' }),
    ],
    tail: [
      '  tests/reset.spec.ts  \u001b[32m✓\u001b[0m sends mail (412 ms)',
      '  tests/reset.spec.ts  \u001b[32m✓\u001b[0m expires (1.1 s)',
      '  tests/reset.spec.ts  … rejects used token',
    ],
  });
}
