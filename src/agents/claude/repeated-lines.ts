/** Deduplicates the lines of a session file of Claude Code, which writes older messages again, for instance after a compaction. */
import { evictOldest } from '../../core/base/evict.js';
import type { Json } from '../../formats/json.js';
import { objectOf, objectsOf, stringOf } from '../../formats/json.js';

/** Identities that are remembered: many more than one context holds. */
const MAX_IDENTITIES = 50_000;
/** Length of the beginning of a text that, together with the length of the text, identifies a block of a message. */
const TEXT_CHARS = 64;

export class RepeatedLines {
  readonly #seen = new Set<string>();

  /** Whether the whole content of this line was seen before; remembers it. */
  isRepeat(line: Json): boolean {
    const uuid = stringOf(line['uuid']);
    const isKnownLine = uuid !== undefined && this.#isSeen(uuid);
    const parts = identitiesOf(line);
    const known = parts.filter((identity) => this.#isSeen(identity));
    return isKnownLine || (parts.length > 0 && known.length === parts.length);
  }

  #isSeen(identity: string): boolean {
    if (this.#seen.has(identity)) return true;
    this.#seen.add(identity);
    evictOldest(this.#seen, MAX_IDENTITIES);
    return false;
  }
}

/** Returns the identities of the content, which stay the same when it is written again under another UUID. */
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
