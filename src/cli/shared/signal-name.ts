/** Names of signals as users write them. */
import { constants } from 'node:os';
import { suggest } from '../../core/text/suggest.js';
import { ProgressError } from '../../core/base/errors.js';

const PREFIX = 'SIG';
const NAMES = Object.keys(constants.signals) as NodeJS.Signals[];

/** As in kill(1), without SIG. */
export const SHORT_SIGNALS: readonly string[] = NAMES.map((name) => name.slice(PREFIX.length));

/** Node has no names for them, and takes the death by one for an exit with 0. */
const REAL_TIME = /^(?:RTMIN|RTMAX)(?:[+-]\d+)?$|^(?:3[2-9]|[45]\d|6[0-4])$/;

/** Parses `TERM`, `SIGTERM`, `term` or `15`. */
export function parseSignal(text: string): NodeJS.Signals {
  const upper = text.toUpperCase();
  const name = NAMES.find((known) => known === upper || known === PREFIX + upper || isNumberOf(text, known));
  if (name !== undefined) return name;
  const short = upper.startsWith(PREFIX) ? upper.slice(PREFIX.length) : upper;
  if (REAL_TIME.test(short)) {
    const advice = `use 'kill -s ${short} -- -PID', with the PID that 'progress show' prints`;
    throw new ProgressError('usage', `--signal: real-time signals such as ${text} are not supported: ${advice}`);
  }
  const nearest = suggest(short, SHORT_SIGNALS);
  const advice = nearest === undefined ? 'use TERM, or a number from kill -l' : `did you mean ${nearest}?`;
  throw new ProgressError('usage', `--signal: unknown signal "${text}"; ${advice}`);
}

function isNumberOf(text: string, name: NodeJS.Signals): boolean {
  return /^\d+$/.test(text) && constants.signals[name] === Number(text);
}
