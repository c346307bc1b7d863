/** Parses the output of `codex exec --json`: a thread, its turns and their items, one JSON object per line. */
import type { FinalStatus } from '../../core/events/event.js';
import type { Json } from '../../formats/json.js';
import { finiteOf, objectOf, objectsOf, parseObject, plainError, stringOf } from '../../formats/json.js';
import type { Parser, ParserOptions, ReportedOutcome, StreamEvent } from '../../formats/parser.js';
import { AgentRecorder } from '../recorder.js';
import { UsageCounter } from '../usage.js';
import { changesOf, editTitle, exitError, itemError, recordSubagents, threadUsage, unwrapShell } from './items.js';

export function isCodexLine(line: Json): boolean {
  const type = stringOf(line['type']) ?? '';
  return type === 'thread.started' ? typeof line['thread_id'] === 'string' : /^(?:item|turn)\.\w+$/.test(type);
}

export class CodexStream implements Parser {
  readonly #recorder: AgentRecorder;
  readonly #usage = new UsageCounter();
  #lastText: string | undefined;
  #lastWarning: string | undefined;

  constructor({ step, cwd }: ParserOptions = {}) {
    this.#recorder = new AgentRecorder(step);
    this.#recorder.cwd = cwd;
  }

  get claim(): ReportedOutcome | undefined {
    return this.#recorder.claim;
  }

  line(text: string): readonly StreamEvent[] | undefined {
    const line = parseObject(text);
    return line && this.#record(line) ? this.#recorder.take() : undefined;
  }

  end(status: FinalStatus | undefined): readonly StreamEvent[] {
    return this.#recorder.end(status);
  }

  /** @returns false for a line of an unknown type */
  #record(line: Json): boolean {
    switch (line['type']) {
      case 'thread.started': {
        const session = stringOf(line['thread_id']);
        this.#recorder.activity('init', { agent: 'codex', ...(session !== undefined && { session }) });
        return true;
      }
      case 'turn.started':
        return true;
      case 'turn.completed':
        this.#completeTurn(line);
        return true;
      case 'turn.failed':
        this.#failTurn(line);
        return true;
      case 'error':
        // `turn.failed` repeats an error that ends the turn; after any other error Codex retries
        this.#lastWarning = plainError(stringOf(line['message']) ?? 'error');
        this.#recorder.log('warning', this.#lastWarning);
        return true;
      case 'item.started':
      case 'item.updated':
      case 'item.completed':
        return this.#item(objectOf(line['item']), line['type'] === 'item.completed');
      default:
        return false;
    }
  }

  #completeTurn(line: Json): void {
    const summary = this.#lastText;
    // the usage is the total of the thread
    const usage = this.#usage.total(threadUsage(line['usage']));
    this.#recorder.finish({ status: 'completed', ...(summary !== undefined && { summary }) }, usage);
  }

  #failTurn(line: Json): void {
    const error = plainError(stringOf(objectOf(line['error'])?.['message']) ?? 'the turn failed');
    this.#recorder.finish({ status: 'failed', error }, {});
    if (error !== this.#lastWarning) this.#recorder.log('error', error);
  }

  /** @returns false for an item of an unknown type */
  #item(item: Json | undefined, isDone: boolean): boolean {
    if (!item) return false;
    const type = stringOf(item['type']) ?? '';
    if (type === 'agent_message') this.#lastText = stringOf(item['text']) ?? this.#lastText;
    const record = Object.hasOwn(ITEMS, type) ? ITEMS[type] : undefined;
    record?.(this.#recorder, item, isDone);
    return record !== undefined;
  }
}

type RecordItem = (recorder: AgentRecorder, item: Json, isDone: boolean) => void;

const ITEMS: Readonly<Record<string, RecordItem | undefined>> = {
  agent_message(recorder, item, isDone) {
    if (isDone) recorder.message('assistant-text', item['text'], '/item/text');
  },
  reasoning(recorder, item, isDone) {
    if (isDone) recorder.message('thinking', item['text'], '/item/text');
  },
  error(recorder, item) {
    recorder.log('warning', stringOf(item['message']) ?? 'error');
  },
  todo_list(recorder, item) {
    recorder.plan(
      objectsOf(item['items']).map((todo) => ({
        name: stringOf(todo['text']) ?? '?',
        status: todo['completed'] === true ? 'completed' : 'pending',
      })),
    );
  },
  command_execution(recorder, item, isDone) {
    recordItem(recorder, item, isDone, {
      tool: 'Bash',
      input: { command: unwrapShell(item['command']) },
      output: { content: item['aggregated_output'], at: '/item/aggregated_output' },
      error: exitError(finiteOf(item['exit_code'])),
    });
  },
  file_change(recorder, item, isDone) {
    const changes = changesOf(item['changes']);
    recordItem(recorder, item, isDone, { tool: 'Edit', input: { changes }, title: editTitle(changes, recorder.cwd) });
  },
  mcp_tool_call(recorder, item, isDone) {
    recordItem(recorder, item, isDone, {
      tool: `${stringOf(item['server']) ?? 'mcp'}.${stringOf(item['tool']) ?? 'tool'}`,
      input: item['arguments'],
      output: { content: objectOf(item['result'])?.['content'], at: '/item/result/content' },
      error: stringOf(objectOf(item['error'])?.['message']),
    });
  },
  web_search(recorder, item, isDone) {
    recordItem(recorder, item, isDone, { tool: 'WebSearch', input: { query: item['query'] } });
  },
  collab_tool_call(recorder, item, isDone) {
    const tool = stringOf(item['tool']) ?? 'agent';
    recordItem(recorder, item, isDone, { tool, input: { prompt: item['prompt'] } });
    recordSubagents(recorder, item);
  },
};

interface ItemCall {
  tool: string;
  input: unknown;
  title?: string;
  output?: { content: unknown; at: string };
  error?: string | undefined;
}

/** Records an item that is a tool call. Some items are reported when they start, others only when they are done. */
function recordItem(recorder: AgentRecorder, item: Json, isDone: boolean, call: ItemCall): void {
  const { tool, input, title, output, error } = call;
  const id = stringOf(item['id']);
  const isOpen = id !== undefined && recorder.isOpen(id);
  if (!isOpen) recorder.call({ id, tool, input, ...(title !== undefined && { title }) });
  if (isDone) recorder.result({ id, content: undefined, ...output, error: itemError(item, error) });
}
