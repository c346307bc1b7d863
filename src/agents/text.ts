/** Texts of agents: names of tools, first lines, fields that are strings. */
import { toolTitle } from '../core/events/activity.js';
import type { Json } from '../formats/json.js';
import { stringOf } from '../formats/json.js';

/** Returns the readable name of a tool: `mcp__github__create_issue` is `github.create_issue`. */
export function toolName(name: string): string {
  const [, server, tool] = /^mcp__(.+?)__(.+)$/.exec(name) ?? [];
  return server === undefined || tool === undefined ? name : `${server}.${tool}`;
}

/** Returns the title of the tool call that a hook reports. */
export function titleOf(fields: Json, cwd: string | undefined): string {
  return toolTitle(toolName(stringOf(fields['tool_name']) ?? 'a tool'), fields['tool_input'], cwd);
}

export function firstLine(text: string | undefined): string {
  return text?.trimStart().split('\n', 1)[0] ?? '';
}

/** Returns the fields that are strings. */
export function stringsIn(fields: Json): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}
