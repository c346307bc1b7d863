/** The Test Anything Protocol, versions 12 to 14: a step for each test, one inside the other where they are nested. */
import { clip } from '../core/fields.js';
import type { EventData } from '../core/event.js';
import { createThrottle } from './throttle.js';
import type { Parser, StreamEvent } from './parser.js';

const VERSION = /^TAP version \d+$/;
const PLAN = /^1\.\.(\d{1,9})\b/;
const POINT = /^(not )?ok\b(?: (\d{1,9}))?(?:\s+-)?\s*(.*)$/;
const SUBTEST = /^# Subtest: (.+)$/;
const DIRECTIVE = /(?:^|\s)#\s*(skip\S*|todo)\b\s*(.*)$/i;
const DURATION = /^duration_ms: ([\d.]+)$/;
const ERROR = /^error: (.+)$/;
/** Of the first line that is sure to be of this format. */
const MAY_BEGIN: ReadonlySet<string> = new Set(['T', '1', 'o', 'n']);
const SPACE = 0x20;
const INDENT = 4;
const MAX_DEPTH = 16;
const NAME_CHARS = 200;
const ERROR_CHARS = 400;

/** A test that has ended, while its details may follow. */
interface Ended {
  type: string;
  step: string;
  data: EventData;
  depth: number;
}

export function createTap(): Parser {
  let isSure = false;
  /** A plan alone may be anything. */
  let isPlanned = false;
  let total: number | undefined;
  /** Tests seen at each depth, and names of those that have begun. */
  let counts: number[] = [];
  let begun: (string | undefined)[] = [];
  let ended: Ended | undefined;
  let inDetails = false;
  /** Does this producer write details behind its tests? Only then is it worth to wait for them. */
  let hasDetails = true;
  const pace = createThrottle();

  const stepAt = (depth: number) =>
    counts
      .slice(0, depth + 1)
      .map((count, level) => (level === depth ? count : count + 1))
      .join('.');
  const parentOf = (step: string): EventData => {
    const end = step.lastIndexOf('.');
    return end === -1 ? {} : { parent: `test ${step.slice(0, end)}` };
  };

  const tellDone = (now: number): StreamEvent[] => {
    const [current = 0] = counts;
    const all = total;
    return all === undefined ? [] : pace.next(() => ({ current, total: all, unit: 'tests', message: '' }), now);
  };

  const settle = (): StreamEvent[] => {
    if (!ended) return [];
    const { type, step, data } = ended;
    ended = undefined;
    inDetails = false;
    return [{ type, step, data }];
  };

  const begin = (depth: number, name: string): StreamEvent[] => {
    counts = counts.slice(0, depth + 1);
    while (counts.length <= depth) counts.push(0);
    begun = begun.slice(0, depth + 1);
    const number = (counts[depth] ?? 0) + 1;
    const id = [...counts.slice(0, depth).map((count) => count + 1), number].join('.');
    begun[depth] = name;
    const data = { name: clip(name, NAME_CHARS), kind: 'step', ...parentOf(id) };
    return [{ type: 'step_started', step: `test ${id}`, data }];
  };

  const point = (depth: number, [, failed, , rest = '']: RegExpExecArray, now: number): StreamEvent[] => {
    while (counts.length <= depth) counts.push(0);
    counts = counts.slice(0, depth + 1);
    counts[depth] = (counts[depth] ?? 0) + 1;
    const id = stepAt(depth);
    const [found, directive = '', reason = ''] = (rest.includes('#') ? DIRECTIVE.exec(rest) : null) ?? [];
    const name = (found === undefined ? rest : rest.slice(0, rest.length - found.length)).trim();
    const isSkipped = directive.toLowerCase().startsWith('skip');
    // what is still to do may fail
    const isFailed = failed !== undefined && directive === '';
    const type = isSkipped ? 'step_skipped' : isFailed ? 'step_failed' : 'step_completed';
    const known = begun[depth];
    begun = begun.slice(0, depth);
    const data = {
      ...(known === undefined && { name: clip(name, NAME_CHARS) || `test ${id}`, kind: 'step', ...parentOf(id) }),
      ...(found !== undefined && { message: `${directive} ${reason}`.trim() }),
    };
    ended = { type, step: `test ${id}`, data, depth };
    const done = depth > 0 ? [] : tellDone(now);
    return hasDetails ? done : [...settle(), ...done];
  };

  /** Of the details that follow a test: how long it took, and why it failed. */
  const detail = (text: string) => {
    if (!ended) return;
    const duration = text.startsWith('duration') ? DURATION.exec(text)?.[1] : undefined;
    const error = text.startsWith('error') ? ERROR.exec(text)?.[1] : undefined;
    if (duration !== undefined) ended.data['durationMs'] = Number(duration);
    if (error !== undefined && ended.type === 'step_failed') ended.data['error'] = unquote(error);
  };

  return {
    line(text, now) {
      if (!isSure && !MAY_BEGIN.has(text.charAt(0))) return [];
      const indent = leadingSpaces(text);
      const isBelow = ended !== undefined && indent === ended.depth * INDENT + 2;
      // a stack, or what was expected
      if (ended && inDetails && !isBelow && indent > ended.depth * INDENT) return [];
      const content = text.slice(indent).trimEnd();
      if (ended) {
        if (isBelow && (content === '---' || inDetails)) {
          hasDetails = true;
          inDetails = content !== '...';
          detail(content);
          return inDetails ? [] : settle();
        }
        hasDetails = false;
      }
      if (content === '') return [];
      const told = settle();
      const depth = Math.floor(indent / INDENT);
      if (indent % INDENT !== 0 || depth > MAX_DEPTH) return told;
      if (content.startsWith('TAP') && VERSION.test(content)) isSure = true;
      const plan = depth === 0 && content.startsWith('1..') ? PLAN.exec(content) : null;
      if (plan) {
        isPlanned = true;
        total = Number(plan[1]);
        if (!isSure || total === 0) return told;
        return [...told, ...tellDone(now)];
      }
      const found = content.startsWith('ok') || content.startsWith('not ok') ? POINT.exec(content) : null;
      if (found && isPlanned) isSure = true;
      if (!isSure) return told;
      if (found) return [...told, ...point(depth, found, now)];
      const subtest = content.startsWith('#') ? SUBTEST.exec(content)?.[1] : undefined;
      if (subtest !== undefined) return [...told, ...begin(depth, subtest)];
      if (content.startsWith('Bail out!'))
        return [...told, { type: 'log', data: { level: 'error', message: clip(content, ERROR_CHARS) } }];
      return told;
    },
    end: () => [...settle(), ...pace.rest()],
    get isSure() {
      return isSure;
    },
  };
}

function leadingSpaces(text: string): number {
  let count = 0;
  while (text.charCodeAt(count) === SPACE) count++;
  return count;
}

function unquote(text: string): string {
  const [, single, double] = /^(?:'(.*)'|"(.*)")$/.exec(text) ?? [];
  return clip(single?.replaceAll("''", "'") ?? double ?? text, ERROR_CHARS);
}
