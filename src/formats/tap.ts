/** Parses the Test Anything Protocol, versions 12 to 14: a step for each test, nested as the subtests are. */
import { clip } from '../core/events/fields.js';
import type { EventData } from '../core/events/event.js';
import { createThrottle } from './throttle.js';
import type { Parser, StreamEvent } from './parser.js';

const VERSION = /^TAP version \d+$/;
const PLAN = /^1\.\.(\d{1,9})\b/;
const POINT = /^(not )?ok\b(?: (\d{1,9}))?(?:\s+-)?\s*(.*)$/;
const SUBTEST = /^# Subtest: (.+)$/;
const DIRECTIVE = /(?:^|\s)#\s*(skip\S*|todo)\b\s*(.*)$/i;
const DURATION = /^duration_ms: ([\d.]+)$/;
const ERROR = /^error: (.+)$/;
/** First characters of lines that can identify the format. */
const MAY_BEGIN: ReadonlySet<string> = new Set(['T', '1', 'o', 'n']);
const SPACE = 0x20;
const INDENT = 4;
const MAX_SUBTEST_DEPTH = 16;
const NAME_CHARS = 200;
const ERROR_CHARS = 400;

/** A test that has ended, but whose details may follow. */
interface Ended {
  type: string;
  step: string;
  data: EventData;
  depth: number;
}

export class TapParser implements Parser {
  #isSure = false;
  /** A plan was seen; alone it does not identify the format. */
  #isPlanned = false;
  #total: number | undefined;
  /** Number of ended tests at each depth, and names of the open subtests. */
  #counts: number[] = [];
  #begun: (string | undefined)[] = [];
  #ended: Ended | undefined;
  #inDetails = false;
  /** Whether the producer writes details after its tests, so that an end has to wait for them. */
  #hasDetails = true;
  readonly #throttle = createThrottle();

  get isSure(): boolean {
    return this.#isSure;
  }

  line(text: string, now: number): readonly StreamEvent[] {
    if (!this.#isSure && !MAY_BEGIN.has(text.charAt(0))) return [];
    const indent = leadingSpaces(text);
    const content = text.slice(indent).trimEnd();
    const details = this.#takeDetail(content, indent);
    if (details) return details;
    if (content === '') return [];
    const ended = this.#endTest();
    const depth = Math.floor(indent / INDENT);
    const events = indent % INDENT !== 0 || depth > MAX_SUBTEST_DEPTH ? NONE : this.#takeContent(content, depth, now);
    return ended.length === 0 ? events : [...ended, ...events];
  }

  end(): readonly StreamEvent[] {
    return [...this.#endTest(), ...this.#throttle.rest()];
  }

  /** Reads a line of the details of the last test; undefined if it is not one. */
  #takeDetail(content: string, indent: number): readonly StreamEvent[] | undefined {
    const ended = this.#ended;
    if (!ended) return undefined;
    const ownIndent = ended.depth * INDENT;
    const isBelow = indent === ownIndent + 2;
    if (isBelow && (content === '---' || this.#inDetails)) {
      this.#hasDetails = true;
      this.#inDetails = content !== '...';
      addDetail(ended, content);
      return this.#inDetails ? NONE : this.#endTest();
    }
    // deeper in the details: a stack trace, or an expected value
    if (this.#inDetails && indent > ownIndent) return NONE;
    this.#hasDetails = false;
    return undefined;
  }

  /** Reads a version, a plan, a test point, the start of a subtest or a bail-out. */
  #takeContent(content: string, depth: number, now: number): readonly StreamEvent[] {
    if (content.startsWith('TAP') && VERSION.test(content)) this.#isSure = true;
    const plan = depth === 0 && content.startsWith('1..') ? PLAN.exec(content) : null;
    if (plan) {
      this.#isPlanned = true;
      this.#total = Number(plan[1]);
      return this.#isSure && this.#total > 0 ? this.#progress(now) : NONE;
    }
    const point = content.startsWith('ok') || content.startsWith('not ok') ? POINT.exec(content) : null;
    if (point && this.#isPlanned) this.#isSure = true;
    if (!this.#isSure) return NONE;
    if (point) return this.#takePoint(depth, point, now);
    const subtest = content.startsWith('#') ? SUBTEST.exec(content)?.[1] : undefined;
    if (subtest !== undefined) return [this.#beginSubtest(depth, subtest)];
    if (!content.startsWith('Bail out!')) return NONE;
    return [{ type: 'log', data: { level: 'error', message: clip(content, ERROR_CHARS) } }];
  }

  #beginSubtest(depth: number, name: string): StreamEvent {
    this.#openDepth(depth);
    this.#begun = this.#begun.slice(0, depth + 1);
    this.#begun[depth] = name;
    const id = this.#counts.map((count) => count + 1).join('.');
    return { type: 'step_started', step: `test ${id}`, data: describe(id, name) };
  }

  #takePoint(depth: number, [, failed, , rest = '']: RegExpExecArray, now: number): readonly StreamEvent[] {
    this.#openDepth(depth);
    const id = [...this.#counts.slice(0, depth).map((count) => count + 1), (this.#counts[depth] ?? 0) + 1].join('.');
    this.#counts[depth] = (this.#counts[depth] ?? 0) + 1;
    const [found, directive = '', reason = ''] = (rest.includes('#') ? DIRECTIVE.exec(rest) : null) ?? [];
    const name = (found === undefined ? rest : rest.slice(0, rest.length - found.length)).trim();
    const isSkipped = directive.toLowerCase().startsWith('skip');
    // a test marked as todo may fail
    const isFailed = failed !== undefined && directive === '';
    const type = isSkipped ? 'step_skipped' : isFailed ? 'step_failed' : 'step_completed';
    const data = {
      ...(this.#begun[depth] === undefined && describe(id, name)),
      ...(found !== undefined && { message: `${directive} ${reason}`.trim() }),
    };
    this.#begun = this.#begun.slice(0, depth);
    this.#ended = { type, step: `test ${id}`, data, depth };
    const done = depth > 0 ? NONE : this.#progress(now);
    return this.#hasDetails ? done : [...this.#endTest(), ...done];
  }

  #openDepth(depth: number): void {
    while (this.#counts.length <= depth) this.#counts.push(0);
    this.#counts = this.#counts.slice(0, depth + 1);
  }

  /** Returns the end of the last test, which no more details follow. */
  #endTest(): readonly StreamEvent[] {
    if (!this.#ended) return NONE;
    const { type, step, data } = this.#ended;
    this.#ended = undefined;
    this.#inDetails = false;
    return [{ type, step, data }];
  }

  #progress(now: number): readonly StreamEvent[] {
    const [current = 0] = this.#counts;
    const total = this.#total;
    return total === undefined
      ? NONE
      : this.#throttle.next(() => ({ current, total, unit: 'tests', message: '' }), now);
  }
}

const NONE: readonly StreamEvent[] = [];

function describe(id: string, name: string): EventData {
  const end = id.lastIndexOf('.');
  const parent = end === -1 ? {} : { parent: `test ${id.slice(0, end)}` };
  return { name: clip(name, NAME_CHARS) || `test ${id}`, kind: 'step', ...parent };
}

/** Adds the duration or the error of a detail line to the end of a test. */
function addDetail({ type, data }: Ended, text: string): void {
  const duration = text.startsWith('duration') ? DURATION.exec(text)?.[1] : undefined;
  const error = text.startsWith('error') ? ERROR.exec(text)?.[1] : undefined;
  if (duration !== undefined) data['durationMs'] = Number(duration);
  if (error !== undefined && type === 'step_failed') data['error'] = unquote(error);
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
