/** Reads the token counts of Claude Code. */
import type { Json } from '../../formats/json.js';
import { countOf, objectOf } from '../../formats/json.js';
import type { Usage } from '../usage.js';
import { addUsage } from '../usage.js';

/** Reads the usage of one message, in the form of the API. */
export function messageUsage(value: unknown): Usage {
  const usage = objectOf(value) ?? {};
  return {
    input: countOf(usage['input_tokens']),
    output: countOf(usage['output_tokens']),
    cacheRead: countOf(usage['cache_read_input_tokens']),
    cacheWrite: countOf(usage['cache_creation_input_tokens']),
  };
}

/** Reads the total of all models. @returns undefined if there is no model */
export function modelUsage(value: unknown): Usage | undefined {
  const models: Json[] = Object.values(objectOf(value) ?? {})
    .map(objectOf)
    .filter((model) => model !== undefined);
  if (models.length === 0) return undefined;
  return models
    .map((model) => ({
      input: countOf(model['inputTokens']),
      output: countOf(model['outputTokens']),
      cacheRead: countOf(model['cacheReadInputTokens']),
      cacheWrite: countOf(model['cacheCreationInputTokens']),
    }))
    .reduce(addUsage);
}
