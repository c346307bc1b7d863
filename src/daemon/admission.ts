/** What every event from outside passes, by whatever way it comes. */
import type { NewEvent } from '../core/event.js';
import { EventMasker } from '../core/mask.js';
import { compilePattern, type Pattern } from '../patterns.js';
import { checkProducer } from '../protocol/validate.js';

/** The daemon's own types refused, secrets masked. */
export type Admit = (event: NewEvent) => NewEvent;

/** `masks`: what is a secret besides what looks like one, at the moment. */
export function createAdmission(masks: () => readonly string[]): Admit {
  const masker = new EventMasker();
  let sources: readonly string[] = [];
  let patterns: readonly Pattern[] = [];
  return (event) => {
    const given = masks();
    if (given !== sources) patterns = given.map((source) => compilePattern(source));
    sources = given;
    return masker.mask(checkProducer(event), patterns);
  };
}
