/**
 * Recognises progress meters in plain text: `33%`, `[3/9]`, `(3/9)`, the columns of curl. A shape is a meter once it has
 * grown twice; a bare percentage only if it behaves like progress, not like a level such as disk usage.
 */
import { stripAnsi } from '../core/text/ansi.js';
import type { EventData } from '../core/events/event.js';
import { evictOldest } from '../core/base/evict.js';
import { createThrottle } from './throttle.js';
import type { Parser } from './parser.js';

/** Maximum length of a line with a meter. */
const MAX_CHARS = 400;
const MESSAGE_CHARS = 80;
/** Number of candidate shapes; the least recently seen is evicted. */
const MAX_SHAPES = 32;

interface Reading {
  /** Hash of the parts that are equal in all samples of a meter. */
  shape: number;
  current: number;
  total: number;
  unit: string;
  /** A percentage without a bar around it. */
  isBare?: boolean;
  /** The adjacent words describe a level. */
  isLevel?: boolean;
  /** Computes the message; lazy, since few samples are emitted. */
  message: () => string;
}

/** `[ 3/9]` at the beginning of a line, as build tools print it; the text after it is the current action. */
const STEP = /^\s*\[\s*(\d{1,9})\s*\/\s*(\d{1,9})\]\s*(.*)$/;
/** `(3/9)` anywhere. */
const COUNT = /\(\s*(\d{1,9})\s*\/\s*(\d{1,9})\)/;
/** `33%`, `33.3 %`. */
const PERCENT = /(?<![\d.])(\d{1,3})(?:\.\d+)? ?%/;
/** Words before a level, and after one. */
const LEVEL_BEFORE =
  /\b(?:cpu|usage|used|load|utili[sz]ation|battery|coverage|capacity|free|available|idle)\b[^\p{L}\p{N}]*$/iu;
const LEVEL_AFTER =
  /^\s*(?:of \S+\s+)?(?:used|usage|full|free|idle|busy|in use|available|capacity|cpu|coverage|utili[sz]\w*)\b/i;
/** Characters of a progress bar. */
const BAR = /[#=█▉▊▋▌▍▎▏░▒▓━╸╺⠀-⣿]{2}|\.{5}|[#=-]>/u;
/** A bare percentage must begin below the first value, or grow by the second. */
const LOW_PERCENT = 10;
const MUCH_PERCENT = 25;
/** Percentage from which a drop is a restart. */
const NEARLY_DONE_PERCENT = 90;
/** Meter of curl: percent, then amounts, speeds and times in columns. */
const CURL = /^\s*(\d{1,3})(?:\s+\S+){7}\s+[-\d]{1,2}:[-\d]\d?:[-\d]\d?\s|^\s*(\d{1,3})(?:\s+\S+){7}\s+--:--:--\s/;

/** Creates a parser for meters. */
export function createMeters(): Parser {
  /** Candidate shapes, the most recently seen last. */
  const shapes = new Map<number, Sampled>();
  let newest: number | undefined;
  const throttle = createThrottle();
  return {
    line(text, now) {
      const reading = read(text);
      if (!reading) return [];
      const { shape, current, total } = reading;
      const before = shapes.get(shape);
      const samples = samplesAfter(before, reading);
      if (shape !== newest) shapes.delete(shape);
      newest = shape;
      const sampled = { current, total, samples, ...behaviour(before, reading) };
      shapes.set(shape, sampled);
      evictOldest(shapes, MAX_SHAPES);
      return samples < 2 || !isProgress(sampled, reading) ? [] : throttle.next(() => dataOf(reading), now);
    },
    end: () => throttle.rest(),
  };
}

interface Sampled {
  current: number;
  total: number;
  /** Number of increases plus one. */
  samples: number;
  /** First value. */
  first: number;
  /** It decreased in the middle, which progress does not do. */
  hasFallen: boolean;
}

function behaviour(before: Sampled | undefined, { current }: Reading): Pick<Sampled, 'first' | 'hasFallen'> {
  if (!before) return { first: current, hasFallen: false };
  if (current >= before.current) return { first: before.first, hasFallen: before.hasFallen };
  const beginsAgain = current <= LOW_PERCENT || before.current >= NEARLY_DONE_PERCENT;
  return { first: current, hasFallen: before.hasFallen || !beginsAgain };
}

function isProgress({ first, hasFallen }: Sampled, { current, total, isBare, isLevel }: Reading): boolean {
  if (isLevel) return false;
  if (!isBare) return true;
  return !hasFallen && (first <= LOW_PERCENT || current - first >= MUCH_PERCENT || current === total);
}

/** Returns the number of samples; a restart begins at 1. */
function samplesAfter(before: Sampled | undefined, { current, total }: Reading): number {
  if (!before) return 1;
  if (current > before.current && total >= before.total) return before.samples + 1;
  return current === before.current && total === before.total ? before.samples : 1;
}

function dataOf({ current, total, unit, message }: Reading): EventData {
  return { current, total, unit, message: message() };
}

function read(text: string): Reading | undefined {
  if (text.length > MAX_CHARS || text.length < 2) return undefined;
  const hasPercent = text.includes('%');
  if (!hasPercent && !text.includes('/') && !text.includes(':')) return undefined;
  const line = stripAnsi(text);
  return readStep(line) ?? readCount(line) ?? (hasPercent ? readPercent(line) : readCurl(line));
}

function readStep(line: string): Reading | undefined {
  const [, current, total, message = ''] = (line.includes('[') ? STEP.exec(line) : null) ?? [];
  return counted(shapeOf('[/]'), current, total, () => message.trim().slice(0, MESSAGE_CHARS));
}

function readCount(line: string): Reading | undefined {
  const found = line.includes('(') && line.includes('/') ? COUNT.exec(line) : null;
  if (!found) return undefined;
  const before = line.slice(0, found.index);
  return counted(shapeOf(before), found[1], found[2], () => messageOf(before));
}

function counted(shape: number, done = '', all = '', message: () => string): Reading | undefined {
  const [current, total] = [Number(done), Number(all)];
  if (done === '' || total === 0 || current > total) return undefined;
  return { shape, current, total, unit: '', message };
}

function readPercent(line: string): Reading | undefined {
  const found = PERCENT.exec(line);
  const current = Number(found?.[1] ?? NaN);
  if (!found || !(current <= 100)) return undefined;
  const before = line.slice(0, found.index);
  // `[ 53%]` at the end of a line, where the text before it differs from line to line
  const after = line.slice(found.index + found[0].length);
  const isBracketed = /\[\s*$/.test(before) && after.startsWith(']');
  const isMargin = isBracketed && /^\]\s*$/.test(after);
  return {
    shape: shapeOf(isMargin ? '[%]' : `${before}%`),
    current,
    total: 100,
    unit: '%',
    isBare: !isBracketed && !BAR.test(line),
    isLevel: LEVEL_BEFORE.test(before) || LEVEL_AFTER.test(after),
    message: () => (isMargin ? '' : messageOf(before)),
  };
}

function readCurl(line: string): Reading | undefined {
  const found = CURL.exec(line);
  const current = Number(found?.[1] ?? found?.[2] ?? NaN);
  return current <= 100 ? { shape: shapeOf('curl'), current, total: 100, unit: '%', message: () => '' } : undefined;
}

/** Characters of numbers and bars, which change between samples. */
const GROWING = /[\s\d#=>.\-_|█▉▊▋▌▍▎▏░▒▓━╸╺⠀-⣿]/;
/** Lookup table of `GROWING` by character code, created on first use. */
let growing: Uint8Array | undefined;

/** Hashes the words and the positions of the gaps between them. Called for every line. */
function shapeOf(text: string): number {
  growing ??= Uint8Array.from({ length: 0x2900 }, (_, code) => (GROWING.test(String.fromCharCode(code)) ? 1 : 0));
  let hash = 0;
  let isGap = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const grows = growing[code] === 1;
    // FNV-1a
    if (!grows || !isGap) hash = Math.imul(hash ^ (grows ? 0 : code), 0x01000193);
    isGap = grows;
  }
  return hash;
}

/** Returns the words before a number; empty if there are none. */
function messageOf(text: string): string {
  const words = text
    .replace(/\d+(?:\.\d+)? ?%\s*$/, '')
    .replace(/[^\p{L}\p{N}\p{P}\s]/gu, '')
    .replace(/[\s:[(|#=>.-]+$/u, '')
    .trim();
  return /\p{L}{2}/u.test(words) ? words.slice(0, MESSAGE_CHARS) : '';
}
