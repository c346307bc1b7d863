/** The messages of Claude Code: the same blocks in what it prints and in its session files. */
import { wordsOf } from '../../core/activity.js';
import type { Json } from '../../formats/json.js';
import { finiteOf, objectOf, objectsOf, stringOf } from '../../formats/json.js';
import type { PlanItem, AgentRecorder } from '../recorder.js';

export interface Messages {
  assistant(line: Json): void;
  user(line: Json): void;
  /** By the id of its call. */
  isSubagent(id: string): boolean;
}

/** Tools that start another agent, under the names of several versions. */
const AGENT_TOOLS: ReadonlySet<string> = new Set(['Agent', 'Task']);
/** Tools that wait for a person. */
export const QUESTION_TOOLS: ReadonlySet<string> = new Set(['AskUserQuestion', 'ExitPlanMode']);
const PLAN_TOOLS: ReadonlySet<string> = new Set(['TodoWrite', 'TaskCreate', 'TaskUpdate']);
/** Calls of these whose results are still to come. */
const MAX_PENDING = 200;
const MAX_TASKS = 200;
/** What the program itself writes in the person's place. */
const MACHINERY = /^\s*<(?:local-command|command-|system-reminder|task-notification|bash-)/;
/** What it writes when somebody stops a turn, and as the result of a call that was stopped or not allowed so. */
export const STOPPED = '[Request interrupted by user';
const REJECTED = /^The user doesn't want to (?:proceed|take this action)/;

export function createMessages(trace: AgentRecorder): Messages {
  /** Calls that change the plan once they have succeeded, or that wait for an answer. */
  const pending = new Map<string, { tool: string; input: Json }>();
  const tasks = new Map<string, PlanItem>();
  const subagents = new Set<string>();

  const call = (block: Json, parent: string | undefined) => {
    const id = stringOf(block['id']);
    const tool = stringOf(block['name']) ?? 'tool';
    const input = objectOf(block['input']) ?? {};
    const isAgent = AGENT_TOOLS.has(tool);
    trace.call({ id, tool: toolName(tool), input, parent, kind: isAgent ? 'subagent' : 'tool' });
    if (id === undefined) return;
    if (isAgent) remember(subagents, id);
    if (tool === 'TodoWrite') trace.plan(todosOf(input));
    if (QUESTION_TOOLS.has(tool)) trace.wait(questionOf(tool, input));
    if (!PLAN_TOOLS.has(tool) && !QUESTION_TOOLS.has(tool)) return;
    pending.set(id, { tool, input });
    const [oldest] = pending.keys();
    if (pending.size > MAX_PENDING && oldest !== undefined) pending.delete(oldest);
  };

  const result = (block: Json, at: string, line: Json, parent: string | undefined) => {
    const id = stringOf(block['tool_use_id']);
    const content = block['content'];
    const failed = block['is_error'] === true;
    const words = wordsOf(content);
    const isRejected = failed && REJECTED.test(words ?? '');
    const details = objectOf(line['tool_use_result'] ?? line['toolUseResult']);
    // the call has returned, what it has started goes on and is told apart
    const isBackground = details?.['status'] === 'async_launched' || details?.['backgroundTaskId'] !== undefined;
    if (id !== undefined && isBackground) trace.keepOpen(id);
    // what a sub-agent says, without what its caller is told besides
    const key = line['tool_use_result'] === undefined ? 'toolUseResult' : 'tool_use_result';
    const said = id !== undefined && subagents.has(id) ? details?.['content'] : undefined;
    trace.result({
      id,
      words: said ?? content,
      at: said === undefined ? `${at}/content` : `/${key}/content`,
      parent,
      ...(failed && { error: isRejected ? 'stopped by the user' : firstLine(words) }),
      ...(isRejected && { status: 'cancelled' as const }),
      durationMs: finiteOf(details?.['totalDurationMs']),
    });
    const asked = id === undefined ? undefined : pending.get(id);
    if (id === undefined || !asked) return;
    pending.delete(id);
    if (QUESTION_TOOLS.has(asked.tool)) trace.goOn();
    else if (!failed && asked.tool !== 'TodoWrite') updateTasks(asked.tool, asked.input, details ?? {});
  };

  /** The list of the newer tools, which tell one change at a time. */
  const updateTasks = (tool: string, input: Json, details: Json) => {
    const id = stringOf(tool === 'TaskCreate' ? objectOf(details['task'])?.['id'] : input['taskId']);
    const known = id === undefined ? undefined : tasks.get(id);
    const name = stringOf(input['subject']) ?? known?.name;
    if (id === undefined || name === undefined || (!known && tasks.size >= MAX_TASKS)) return;
    const status = stringOf(input['status']);
    if (status === 'deleted') tasks.delete(id);
    else tasks.set(id, { id, name, status: status === undefined ? (known?.status ?? 'pending') : planStatus(status) });
    trace.plan([...tasks.values()]);
  };

  const prompt = (text: string, at: string, step: string | undefined) => {
    if (text.startsWith(STOPPED)) trace.log('warning', 'interrupted by the user', step);
    else if (!MACHINERY.test(text)) trace.say('prompt', text, at, step);
  };

  return {
    isSubagent: (id) => subagents.has(id),
    assistant(line) {
      const step = stringOf(line['parent_tool_use_id']);
      const content = objectOf(line['message'])?.['content'];
      if (typeof content === 'string') trace.say('assistant-text', content, '/message/content', step);
      if (!Array.isArray(content)) return;
      content.forEach((item: unknown, index) => {
        const block = objectOf(item) ?? {};
        const at = `/message/content/${index}`;
        if (block['type'] === 'text') trace.say('assistant-text', block['text'], `${at}/text`, step);
        else if (block['type'] === 'thinking') trace.say('thinking', block['thinking'], `${at}/thinking`, step);
        else if (block['type'] === 'tool_use' || block['type'] === 'server_tool_use') call(block, step);
        // a server's own tool answers in the same message: `web_search_tool_result` and the like
        else if (stringOf(block['type'])?.endsWith('_tool_result')) result(block, at, {}, step);
      });
    },
    user(line) {
      const step = stringOf(line['parent_tool_use_id']);
      const content = objectOf(line['message'])?.['content'];
      const isPrompt = !['isReplay', 'isSynthetic', 'isMeta', 'isCompactSummary'].some((mark) => line[mark] === true);
      if (typeof content === 'string' && isPrompt) prompt(content, '/message/content', step);
      if (!Array.isArray(content)) return;
      content.forEach((item: unknown, index) => {
        const block = objectOf(item) ?? {};
        const at = `/message/content/${index}`;
        if (block['type'] === 'tool_result') result(block, at, line, step);
        else if (block['type'] === 'text' && isPrompt) prompt(stringOf(block['text']) ?? '', `${at}/text`, step);
      });
    },
  };
}

function remember(set: Set<string>, id: string): void {
  set.add(id);
  const [oldest] = set;
  if (set.size > MAX_PENDING && oldest !== undefined) set.delete(oldest);
}

/** `mcp__github__create_issue` is the tool `create_issue` of the server `github`. */
export function toolName(name: string): string {
  const [, server, tool] = /^mcp__(.+?)__(.+)$/.exec(name) ?? [];
  return server === undefined || tool === undefined ? name : `${server}.${tool}`;
}

function todosOf(input: Json): PlanItem[] {
  return objectsOf(input['todos']).map((todo) => ({
    name: stringOf(todo['content']) ?? '?',
    status: planStatus(stringOf(todo['status'])),
  }));
}

function planStatus(status: string | undefined): PlanItem['status'] {
  return status === 'in_progress' ? 'running' : status === 'completed' ? 'completed' : 'pending';
}

function questionOf(tool: string, input: Json): string {
  const [first] = objectsOf(input['questions']);
  const question = stringOf(first?.['question']) ?? stringOf(input['question']);
  return question ?? (tool === 'ExitPlanMode' ? 'approve the plan?' : 'a question');
}

export function firstLine(text: string | undefined): string {
  return text?.trimStart().split('\n', 1)[0] ?? '';
}
