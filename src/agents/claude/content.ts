/** Records the messages of Claude Code; their content blocks are the same in its output and in its session files. */
import { wordsOf } from '../../core/events/activity.js';
import { evictOldest } from '../../core/base/evict.js';
import type { Json } from '../../formats/json.js';
import { finiteOf, objectOf, objectsOf, stringOf } from '../../formats/json.js';
import type { AgentRecorder, PlanItem } from '../recorder.js';
import { firstLine, toolName } from '../text.js';

/** Tools that start a sub-agent, in several versions. */
const AGENT_TOOLS: ReadonlySet<string> = new Set(['Agent', 'Task']);
/** Tools that wait for the user. */
export const QUESTION_TOOLS: ReadonlySet<string> = new Set(['AskUserQuestion', 'ExitPlanMode']);
const PLAN_TOOLS: ReadonlySet<string> = new Set(['TodoWrite', 'TaskCreate', 'TaskUpdate']);
/** Calls without a result that are remembered. */
const MAX_PENDING = 200;
const MAX_TASKS = 200;
/** Messages that the program itself writes as the user. */
const GENERATED = /^\s*<(?:local-command|command-|system-reminder|task-notification|bash-)/;
/** Message after the user has interrupted a turn. */
export const STOPPED = '[Request interrupted by user';
/** Result of a call that the user has interrupted or refused. */
const REJECTED = /^The user doesn't want to (?:proceed|take this action)/;
/** Marks of user messages that the user has not typed. */
const NOT_TYPED = ['isReplay', 'isSynthetic', 'isMeta', 'isCompactSummary'];

/** A content block, with the JSON pointer to it. */
interface Block {
  block: Json;
  at: string;
}

export class ClaudeMessages {
  readonly #recorder: AgentRecorder;
  /** Calls that change the plan once they have succeeded, or that wait for an answer. */
  readonly #pending = new Map<string, { tool: string; input: Json }>();
  readonly #tasks = new Map<string, PlanItem>();
  readonly #subagents = new Set<string>();

  constructor(recorder: AgentRecorder) {
    this.#recorder = recorder;
  }

  /** @param id ID of a call. @returns whether the call has started a sub-agent */
  isSubagent(id: string): boolean {
    return this.#subagents.has(id);
  }

  assistant(line: Json): void {
    const step = stringOf(line['parent_tool_use_id']);
    const content = objectOf(line['message'])?.['content'];
    if (typeof content === 'string') this.#recorder.message('assistant-text', content, '/message/content', step);
    for (const { block, at } of blocksOf(content)) {
      const type = stringOf(block['type']);
      if (type === 'text') this.#recorder.message('assistant-text', block['text'], `${at}/text`, step);
      else if (type === 'thinking') this.#recorder.message('thinking', block['thinking'], `${at}/thinking`, step);
      else if (type === 'tool_use' || type === 'server_tool_use') this.#call(block, step);
      // the result of a tool that the API runs is in the same message: `web_search_tool_result` and the like
      else if (type?.endsWith('_tool_result')) this.#result(block, at, {}, step);
    }
  }

  user(line: Json): void {
    const step = stringOf(line['parent_tool_use_id']);
    const content = objectOf(line['message'])?.['content'];
    const isPrompt = !NOT_TYPED.some((mark) => line[mark] === true);
    if (typeof content === 'string' && isPrompt) this.#prompt(content, '/message/content', step);
    for (const { block, at } of blocksOf(content)) {
      if (block['type'] === 'tool_result') this.#result(block, at, line, step);
      else if (block['type'] === 'text' && isPrompt) this.#prompt(stringOf(block['text']) ?? '', `${at}/text`, step);
    }
  }

  #prompt(text: string, at: string, step: string | undefined): void {
    if (text.startsWith(STOPPED)) this.#recorder.log('warning', 'interrupted by the user', step);
    else if (!GENERATED.test(text)) this.#recorder.message('prompt', text, at, step);
  }

  #call(block: Json, parent: string | undefined): void {
    const id = stringOf(block['id']);
    const tool = stringOf(block['name']) ?? 'tool';
    const input = objectOf(block['input']) ?? {};
    const isAgent = AGENT_TOOLS.has(tool);
    this.#recorder.call({ id, tool: toolName(tool), input, parent, kind: isAgent ? 'subagent' : 'tool' });
    if (id === undefined) return;
    if (isAgent) {
      this.#subagents.add(id);
      evictOldest(this.#subagents, MAX_PENDING);
    }
    if (tool === 'TodoWrite') this.#recorder.plan(todosOf(input));
    if (QUESTION_TOOLS.has(tool)) this.#recorder.wait(questionOf(tool, input));
    if (!PLAN_TOOLS.has(tool) && !QUESTION_TOOLS.has(tool)) return;
    this.#pending.set(id, { tool, input });
    evictOldest(this.#pending, MAX_PENDING);
  }

  #result(block: Json, at: string, line: Json, parent: string | undefined): void {
    const id = stringOf(block['tool_use_id']);
    const content = block['content'];
    const isFailed = block['is_error'] === true;
    const text = wordsOf(content);
    const isRejected = isFailed && REJECTED.test(text ?? '');
    const key = line['tool_use_result'] === undefined ? 'toolUseResult' : 'tool_use_result';
    const details = objectOf(line[key]) ?? {};
    // the call returns at once, and the end of its task is reported later
    const isBackground = details['status'] === 'async_launched' || details['backgroundTaskId'] !== undefined;
    if (id !== undefined && isBackground) this.#recorder.detach(id);
    // the answer of a sub-agent without the instructions that are appended for its caller
    const answer = id !== undefined && this.#subagents.has(id) ? details['content'] : undefined;
    this.#recorder.result({
      id,
      content: answer ?? content,
      at: answer === undefined ? `${at}/content` : `/${key}/content`,
      parent,
      ...(isFailed && { error: isRejected ? 'stopped by the user' : firstLine(text) }),
      ...(isRejected && { status: 'cancelled' as const }),
      durationMs: finiteOf(details['totalDurationMs']),
    });
    if (id !== undefined) this.#settle(id, isFailed, details);
  }

  /** Applies the effect of a call that has returned. */
  #settle(id: string, isFailed: boolean, details: Json): void {
    const call = this.#pending.get(id);
    if (!call) return;
    this.#pending.delete(id);
    if (QUESTION_TOOLS.has(call.tool)) this.#recorder.resume();
    else if (!isFailed && call.tool !== 'TodoWrite') this.#updateTasks(call.tool, call.input, details);
  }

  /** Applies a call of the newer tools, each of which changes one task of the list. */
  #updateTasks(tool: string, input: Json, details: Json): void {
    const id = stringOf(tool === 'TaskCreate' ? objectOf(details['task'])?.['id'] : input['taskId']);
    const known = id === undefined ? undefined : this.#tasks.get(id);
    const name = stringOf(input['subject']) ?? known?.name;
    if (id === undefined || name === undefined || (!known && this.#tasks.size >= MAX_TASKS)) return;
    const status = stringOf(input['status']);
    const newStatus = status === undefined ? (known?.status ?? 'pending') : planStatus(status);
    if (status === 'deleted') this.#tasks.delete(id);
    else this.#tasks.set(id, { id, name, status: newStatus });
    this.#recorder.plan([...this.#tasks.values()]);
  }
}

function blocksOf(content: unknown): Block[] {
  if (!Array.isArray(content)) return [];
  return content.map((item: unknown, index) => ({ block: objectOf(item) ?? {}, at: `/message/content/${index}` }));
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
