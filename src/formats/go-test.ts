/** Parses `go test -json`: a step for each package, with a nested step for each test. */
import { clip } from '../core/events/fields.js';
import type { EventData } from '../core/events/event.js';
import { isIdentifier } from '../core/events/identifier.js';
import { evictOldest } from '../core/base/evict.js';
import { finiteOf, parseObject, stringOf } from './json.js';
import type { Parser, StreamEvent } from './parser.js';

const ENDS: Readonly<Record<string, string | undefined>> = {
  pass: 'step_completed',
  bench: 'step_completed',
  fail: 'step_failed',
  skip: 'step_skipped',
};
/** Maximum number of tests whose last line of output is kept as a possible error. */
const MAX_OPEN = 1_000;
const ERROR_CHARS = 400;
/** Lines of the test framework, which are not output of the test. */
const FRAME = /^\s*(?:=== |--- |FAIL\b|PASS\b|ok\s|coverage:|\?\s|exit status \d)/;

/** Creates a parser for `go test -json`. */
export function createGoTest(): Parser {
  const lastLines = new Map<string, string>();
  let isSure = false;

  const remember = (step: string, output: string | undefined) => {
    const line = output?.trim() ?? '';
    if (line === '' || FRAME.test(line)) return;
    lastLines.delete(step);
    lastLines.set(step, clip(line, ERROR_CHARS));
    evictOldest(lastLines, MAX_OPEN);
  };

  const end = (step: string, type: string, elapsed: number | undefined, data: EventData): StreamEvent[] => {
    const error = lastLines.get(step);
    lastLines.delete(step);
    const durationMs = elapsed === undefined ? undefined : Math.round(elapsed * 1_000);
    return [
      {
        type,
        step,
        data: {
          ...data,
          ...(durationMs !== undefined && { durationMs }),
          ...(type === 'step_failed' && error !== undefined && { error }),
        },
      },
    ];
  };

  return {
    line(text) {
      if (!text.startsWith('{') || !text.includes('"Action":')) return [];
      const line = parseObject(text);
      const [action, name, test] = [line?.['Action'], line?.['Package'], line?.['Test']].map(stringOf);
      if (!line || action === undefined || name === undefined) return [];
      const step = test === undefined ? name : `${name}.${test}`;
      if (!isIdentifier(step)) return [];
      const data = describe(name, test);
      isSure = true;
      if (action === 'start' || action === 'run') return [{ type: 'step_started', step, data }];
      if (action === 'output') remember(step, stringOf(line['Output']));
      const type = Object.hasOwn(ENDS, action) ? ENDS[action] : undefined;
      return type === undefined ? [] : end(step, type, finiteOf(line['Elapsed']), data);
    },
    end: () => [],
    get isSure() {
      return isSure;
    },
  };
}

/** Describes a step; `TestA/second` is nested in `TestA`. */
function describe(name: string, test: string | undefined): EventData {
  if (test === undefined) return { name: clip(name, 200), kind: 'step' };
  const outer = test.lastIndexOf('/');
  const parent = outer === -1 ? name : `${name}.${test.slice(0, outer)}`;
  return { name: clip(test.slice(outer + 1), 200), kind: 'step', parent };
}
