/** What can be read in a JSON object of which only the beginning and the end are there. */
import type { Json } from './json.js';
import { parseObject } from './json.js';

/** Looked for in the end, where nothing tells how deep it lies: no text may hold them, since its quotes are escaped. */
const END_FIELDS = [
  ...['session_id', 'hook_event_name', 'agent_id', 'tool_name', 'tool_use_id', 'duration_ms', 'timestamp'],
];

/** Members of the object that are whole in `beginning`, and of the last one, if that is an object, what is whole in it. */
export function parsePartialObject(beginning: string, end: string): Json {
  const fields = END_FIELDS.flatMap((name) => {
    const found = [...end.matchAll(new RegExp(`(?<!\\\\)"${name}":("[^"\\\\]*"|\\d+)`, 'g'))].at(-1)?.[1];
    return found === undefined ? [] : [`"${name}":${found}`];
  });
  return { ...parseObject(`{${fields.join(',')}}`), ...(parseObject(beginning) ?? parseObject(closed(beginning))) };
}

/** The text up to the last member that is whole, with what is open there closed. */
function closed(text: string): string {
  /** What is open, as what closes it. */
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
