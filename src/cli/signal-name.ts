/** Signals as people write them. */
import { constants } from 'node:os';
import { findNearest } from '../core/nearest.js';
import { ProgressError } from '../errors.js';

const PREFIX = 'SIG';
const NAMES = Object.keys(constants.signals) as NodeJS.Signals[];

/** As kill(1) lists them. */
export const SHORT_SIGNALS: readonly string[] = NAMES.map((name) => name.slice(PREFIX.length));

/** `TERM`, `SIGTERM`, `term` or `15`. */
export function parseSignal(text: string): NodeJS.Signals {
  const upper = text.toUpperCase();
  const name = NAMES.find((known) => known === upper || known === PREFIX + upper || isNumberOf(text, known));
  if (name !== undefined) return name;
  const short = upper.startsWith(PREFIX) ? upper.slice(PREFIX.length) : upper;
  const nearest = findNearest(short, SHORT_SIGNALS);
  const advice = nearest === undefined ? 'try TERM, or a number as kill -l lists them' : `did you mean ${nearest}?`;
  throw new ProgressError('usage', `--signal: there is no "${text}": ${advice}`);
}

function isNumberOf(text: string, name: NodeJS.Signals): boolean {
  return /^\d+$/.test(text) && constants.signals[name] === Number(text);
}
