/** Records calls of Gemini CLI's tools, under the tool names that other agents use. */
import type { Json } from '../../formats/json.js';
import { objectOf, objectsOf, stringOf } from '../../formats/json.js';
import type { AgentRecorder, PlanItem } from '../recorder.js';

const TOOL_NAMES: Readonly<Record<string, string | undefined>> = {
  run_shell_command: 'Bash',
  read_file: 'Read',
  write_file: 'Write',
  replace: 'Edit',
  list_directory: 'List',
  glob: 'Glob',
  grep_search: 'Grep',
  search_file_content: 'Grep',
  web_fetch: 'WebFetch',
  google_web_search: 'WebSearch',
  invoke_agent: 'Agent',
};

const PLAN_STATUSES: Readonly<Record<string, PlanItem['status'] | undefined>> = {
  in_progress: 'running',
  completed: 'completed',
  cancelled: 'skipped',
};

export function recordToolCall(recorder: AgentRecorder, id: string | undefined, name: unknown, input: unknown): void {
  const known = stringOf(name) ?? 'tool';
  const kind = known === 'invoke_agent' ? 'subagent' : 'tool';
  recorder.call({ id, tool: TOOL_NAMES[known] ?? known, input, kind });
  if (known === 'write_todos') recorder.plan(todosOf(objectOf(input) ?? {}));
}

function todosOf(input: Json): PlanItem[] {
  return objectsOf(input['todos']).map((todo) => ({
    name: stringOf(todo['description']) ?? '?',
    status: PLAN_STATUSES[stringOf(todo['status']) ?? ''] ?? 'pending',
  }));
}
