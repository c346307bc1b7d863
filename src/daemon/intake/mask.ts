/** Masks secrets in events, by built-in rules and by the patterns of the configuration. */
import type { NewEvent } from '../../core/events/event.js';
import { EventMasker } from '../../core/mask/mask.js';
import { compilePattern, type Pattern } from '../../platform/patterns.js';
import { HOOK_TYPE } from '../../agents/hook-call.js';

export type Mask = (event: NewEvent) => NewEvent;

/**
 * Creates a mask for events that come in the order of their streams. It returns the same event when that holds no secret.
 *
 * @param patterns additional patterns of secrets; called for each event, since the configuration may change
 */
export function createMask(patterns: () => readonly string[]): Mask {
  const masker = new EventMasker();
  let sources: readonly string[] = [];
  let compiled: readonly Pattern[] = [];
  return (event) => {
    const given = patterns();
    if (given !== sources) compiled = given.map((source) => compilePattern(source));
    sources = given;
    return masker.mask(event, compiled);
  };
}

/**
 * Creates a test for events that hold a secret, with its own mask. A hook call that was cut counts as secret: a
 * part of it may be in hexadecimal, in which no rule finds anything.
 */
export function createSecretTest(patterns: () => readonly string[]): (event: NewEvent) => boolean {
  const mask = createMask(patterns);
  return (event) => mask(event) !== event || (event.type === HOOK_TYPE && event.data['beginning'] !== undefined);
}
