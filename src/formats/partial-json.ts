/** Parses a truncated JSON object, of which only the beginning and the end are available. */
import type { Json } from './json.js';
import { parseObject } from './json.js';

/** Fields searched in the end, at any depth. They cannot occur within a text, where quotes are escaped. */
const END_FIELDS = [
  ...['session_id', 'hook_event_name', 'agent_id', 'tool_name', 'tool_use_id', 'duration_ms', 'timestamp'],
];

/** Returns the members that are complete in `beginning`, also within a last incomplete object, and known ones of `end`. */
export function parsePartialObject(beginning: string, end: string): Json {
  const fields = END_FIELDS.flatMap((name) => {
    const found = [...end.matchAll(new RegExp(`(?<!\\\\)"${name}":("[^"\\\\]*"|\\d+)`, 'g'))].at(-1)?.[1];
    return found === undefined ? [] : [`"${name}":${found}`];
  });
  return { ...parseObject(`{${fields.join(',')}}`), ...(parseObject(beginning) ?? parseObject(closed(beginning))) };
}

/** Cuts a text after its last complete member, and closes what is open there. */
function closed(text: string): string {
  /** Closing brackets of all open ones. */
  const open: string[] = [];
  let inText = false;
  let whole = '';
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (inText) {
      if (character === '\\') at++;
      else if (character === '"') inText = false;
    } else if (character === '"') inText = true;
    else if (character === '{') {
      open.push('}');
      whole = text.slice(0, at + 1) + [...open].reverse().join('');
    } else if (character === '[') open.push(']');
    else if (character === '}' || character === ']') open.pop();
    else if (character === ',' && !open.includes(']')) whole = text.slice(0, at) + [...open].reverse().join('');
  }
  return whole;
}
