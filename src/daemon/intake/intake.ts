/** What every event from outside passes, by whatever way it comes. */
import type { NewEvent } from '../../core/event.js';
import { EventMasker } from '../../core/mask/mask.js';
import { compilePattern, type Pattern } from '../../platform/patterns.js';
import { checkProducer } from '../../protocol/validate.js';

/** The daemon's own types refused, secrets masked. */
export type Admit = (event: NewEvent) => NewEvent;

/** @param masks Patterns of the configuration for what is a secret too. */
export function createIntakeFilter(masks: () => readonly string[]): Admit {
  const mask = createMask(masks);
  return (event) => mask(checkProducer(event));
}

/** Masks secrets in events, which come in the order of their streams. Returns the same event where there are none. */
export function createMask(masks: () => readonly string[]): (event: NewEvent) => NewEvent {
  const masker = new EventMasker();
  let sources: readonly string[] = [];
  let patterns: readonly Pattern[] = [];
  return (event) => {
    const given = masks();
    if (given !== sources) patterns = given.map((source) => compilePattern(source));
    sources = given;
    return masker.mask(event, patterns);
  };
}
