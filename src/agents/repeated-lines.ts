/** Recognises what the session file of Claude Code repeats: after a compaction, for instance, older messages are written again. */
import { evictOldest } from '../core/evict.js';
import type { Json } from '../formats/json.js';
import { objectOf, objectsOf, stringOf } from '../formats/json.js';

export interface RepeatedLines {
  /** Whether everything in this line was seen before. The line counts as seen from now on. */
  isRepeat(line: Json): boolean;
}

/** Identities that are remembered, far more than one context holds. Beyond it the oldest are evicted. */
const MAX_IDENTITIES = 50_000;
/** The beginning of a text, together with its length, tells the blocks of one message apart. */
const TEXT_CHARS = 64;

export function createRepeatedLines(): RepeatedLines {
  const seen = new Set<string>();
  /** Whether it was seen before. */
  const note = (identity: string): boolean => {
    if (seen.has(identity)) return true;
    seen.add(identity);
    evictOldest(seen, MAX_IDENTITIES);
    return false;
  };
  return {
    isRepeat(line) {
      const uuid = stringOf(line['uuid']);
      const isKnownLine = uuid !== undefined && note(uuid);
      const parts = identitiesOf(line);
      const known = parts.filter(note);
      return isKnownLine || (parts.length > 0 && known.length === parts.length);
    },
  };
}

/** What identifies the contents of a line that is written again under another uuid. */
function identitiesOf(line: Json): string[] {
  const message = objectOf(line['message']);
  const content = message?.['content'];
  if (line['type'] === 'assistant') {
    const id = stringOf(message?.['id']);
    return id === undefined ? [] : objectsOf(content).map((block) => `${id} ${blockIdentity(block)}`);
  }
  const results = objectsOf(content).filter(({ type }) => type === 'tool_result');
  const calls = results.map((block) => stringOf(block['tool_use_id'])).filter((id) => id !== undefined);
  if (calls.length > 0) return calls.map((id) => `result ${id}`);
  const prompt = stringOf(line['promptId']);
  return prompt === undefined || typeof content !== 'string' ? [] : [`prompt ${prompt} ${textIdentity(content)}`];
}

function blockIdentity(block: Json): string {
  const type = stringOf(block['type']) ?? '';
  const id = stringOf(block['id']) ?? stringOf(block['tool_use_id']);
  return `${type} ${id ?? textIdentity(stringOf(block['text']) ?? stringOf(block['thinking']) ?? '')}`;
}

function textIdentity(text: string): string {
  return `${text.length} ${text.slice(0, TEXT_CHARS)}`;
}
