/** What `codex exec --json` prints: a thread, its turns and their items, one JSON object a line. */
import { fromHere } from '../../core/activity.js';
import type { Json } from '../../formats/json.js';
import { countOf, finiteOf, objectOf, objectsOf, parseObject, plainError, stringOf } from '../../formats/json.js';
import type { Parser, ParserOptions } from '../../formats/parser.js';
import type { AgentRecorder } from '../recorder.js';
import { createAgentRecorder } from '../recorder.js';
import type { Usage } from '../usage.js';
import { createUsageCounter } from '../usage.js';

export function isCodexLine(line: Json): boolean {
  const type = stringOf(line['type']) ?? '';
  return type === 'thread.started' ? typeof line['thread_id'] === 'string' : /^(?:item|turn)\.\w+$/.test(type);
}

export function createCodex({ step, cwd }: ParserOptions = {}): Parser {
  const trace = createAgentRecorder(step);
  trace.cwd = cwd;
  const usage = createUsageCounter();
  let lastWords: string | undefined;
  let lastWarning: string | undefined;

  const tell = (line: Json): boolean => {
    switch (line['type']) {
      case 'thread.started': {
        const session = stringOf(line['thread_id']);
        trace.activity('init', { agent: 'codex', ...(session !== undefined && { session }) });
        return true;
      }
      case 'turn.started':
        return true;
      case 'turn.completed':
        // sums of the whole thread
        trace.finish(
          { status: 'completed', ...(lastWords !== undefined && { summary: lastWords }) },
          usage.upTo(threadUsage(line['usage'])),
          undefined,
        );
        return true;
      case 'turn.failed': {
        const error = plainError(stringOf(objectOf(line['error'])?.['message']) ?? 'the turn failed');
        trace.finish({ status: 'failed', error }, {}, undefined);
        if (error !== lastWarning) trace.log('error', error);
        return true;
      }
      case 'error':
        // what ends the run comes again as `turn.failed`; others are tried again
        lastWarning = plainError(stringOf(line['message']) ?? 'error');
        trace.log('warning', lastWarning);
        return true;
      case 'item.started':
      case 'item.updated':
      case 'item.completed': {
        const item = objectOf(line['item']);
        if (item?.['type'] === 'agent_message') lastWords = stringOf(item['text']) ?? lastWords;
        return item !== undefined && tellItem(trace, item, line['type'] === 'item.completed');
      }
      default:
        return false;
    }
  };

  return {
    line(text) {
      const line = parseObject(text);
      return line && tell(line) ? trace.take() : undefined;
    },
    end: (status) => trace.end(status),
    get claim() {
      return trace.claim;
    },
  };
}

/** False: an unknown kind of item. */
function tellItem(trace: AgentRecorder, item: Json, isDone: boolean): boolean {
  const type = stringOf(item['type']) ?? '';
  const tell = Object.hasOwn(ITEMS, type) ? ITEMS[type] : undefined;
  tell?.(trace, item, isDone);
  return tell !== undefined;
}

type TellItem = (trace: AgentRecorder, item: Json, isDone: boolean) => void;

const ITEMS: Readonly<Record<string, TellItem | undefined>> = {
  agent_message(trace, item, isDone) {
    if (isDone) trace.say('assistant-text', item['text'], '/item/text');
  },
  reasoning(trace, item, isDone) {
    if (isDone) trace.say('thinking', item['text'], '/item/text');
  },
  error(trace, item) {
    trace.log('warning', stringOf(item['message']) ?? 'error');
  },
  todo_list(trace, item) {
    trace.plan(
      objectsOf(item['items']).map((todo) => ({
        name: stringOf(todo['text']) ?? '?',
        status: todo['completed'] === true ? 'completed' : 'pending',
      })),
    );
  },
  command_execution: (trace, item, isDone) => {
    const exitCode = finiteOf(item['exit_code']);
    const failure = exitCode === undefined || exitCode === 0 ? undefined : `exit ${exitCode}`;
    callItem(trace, item, isDone, {
      tool: 'Bash',
      input: { command: unwrapShell(item['command']) },
      words: { value: item['aggregated_output'], at: '/item/aggregated_output' },
      failure,
    });
  },
  file_change: (trace, item, isDone) => {
    const changes = changesOf(item['changes']);
    callItem(trace, item, isDone, { tool: 'Edit', input: { changes }, title: editTitle(changes, trace.cwd) });
  },
  mcp_tool_call: (trace, item, isDone) => {
    callItem(trace, item, isDone, {
      tool: `${stringOf(item['server']) ?? 'mcp'}.${stringOf(item['tool']) ?? 'tool'}`,
      input: item['arguments'],
      words: { value: objectOf(item['result'])?.['content'], at: '/item/result/content' },
      failure: stringOf(objectOf(item['error'])?.['message']),
    });
  },
  web_search: (trace, item, isDone) => {
    callItem(trace, item, isDone, { tool: 'WebSearch', input: { query: item['query'] } });
  },
  collab_tool_call: (trace, item, isDone) => {
    const tool = stringOf(item['tool']) ?? 'agent';
    callItem(trace, item, isDone, { tool, input: { prompt: item['prompt'] } });
    tellAgents(trace, item);
  },
};

interface ItemCall {
  tool: string;
  input: unknown;
  title?: string;
  words?: { value: unknown; at: string };
  failure?: string | undefined;
}

/** An item that is a call: it may be told when it starts, or only when it is done. */
function callItem(
  trace: AgentRecorder,
  item: Json,
  isDone: boolean,
  { tool, input, title, words, failure }: ItemCall,
): void {
  const id = stringOf(item['id']);
  const isKnown = id !== undefined && trace.isOpen(id);
  if (!isKnown) trace.call({ id, tool, input, ...(title !== undefined && { title }) });
  if (!isDone) return;
  const status = stringOf(item['status']);
  const error = failure ?? (status === 'failed' || status === 'declined' ? status : undefined);
  trace.result({ id, words: words?.value, ...(words && { at: words.at }), error });
}

/** Sub-agents live on after the call that started them; later calls tell how they are. */
export function tellAgents(trace: AgentRecorder, item: Json): void {
  const states = objectOf(item['agents_states']) ?? {};
  const parent = stringOf(item['id']);
  const receivers = Array.isArray(item['receiver_thread_ids']) ? item['receiver_thread_ids'] : [];
  for (const id of receivers) {
    if (item['tool'] !== 'spawn_agent' || typeof id !== 'string') continue;
    const name = (stringOf(item['prompt']) ?? 'sub-agent').slice(0, 200);
    trace.open(id, { name, kind: 'subagent', ...(parent !== undefined && { parent }) });
  }
  for (const [id, state] of Object.entries(states)) {
    const { status, message } = objectOf(state) ?? {};
    if (status === 'completed') trace.close(id, 'completed');
    else if (status === 'errored') trace.close(id, 'failed', { error: stringOf(message) ?? 'error' });
    else if (status === 'shutdown' || status === 'interrupted') trace.close(id, 'cancelled');
  }
}

export interface FileChange {
  path: string;
  kind: string;
  added?: number;
  removed?: number;
}

/** `kind` is a word, or an object that says more. */
function changesOf(value: unknown): FileChange[] {
  return objectsOf(value).map((change) => {
    const details = objectOf(change['kind']);
    const kind = stringOf(change['kind']) ?? stringOf(details?.['type']) ?? 'update';
    const diff = stringOf(change['diff']) ?? stringOf(details?.['unified_diff'] ?? details?.['diff']);
    return { path: stringOf(change['path']) ?? '?', kind, ...(diff !== undefined && countDiff(diff)) };
  });
}

/** Lines of a unified diff, or of a patch, that it adds and takes away. */
export function countDiff(diff: string): { added: number; removed: number } {
  let added = 0;
  let removed = 0;
  for (const line of diff.split('\n')) {
    if (line.startsWith('+') && !line.startsWith('+++ ')) added += 1;
    else if (line.startsWith('-') && !line.startsWith('--- ')) removed += 1;
  }
  return { added, removed };
}

/** `Edit: src/a.ts +12 -3, src/b.ts`. */
export function editTitle(changes: readonly FileChange[], cwd: string | undefined): string {
  const shown = changes.slice(0, 5).map(({ path, kind, added, removed }) => {
    const word = kind === 'add' ? 'new ' : kind === 'delete' ? 'deleted ' : '';
    const lines = added === undefined ? '' : ` +${added} -${removed ?? 0}`;
    return `${word}${fromHere(path, cwd)}${lines}`;
  });
  const more = changes.length > shown.length ? ` and ${changes.length - shown.length} more` : '';
  return `Edit: ${shown.join(', ')}${more}`.slice(0, 200);
}

/** Of `/bin/bash -lc 'make test'` what was asked for. */
export function unwrapShell(command: unknown): string {
  if (Array.isArray(command)) {
    const [shell, flag, script] = command as unknown[];
    if (command.length === 3 && String(shell).endsWith('sh') && /^-\w*c$/.test(String(flag))) return String(script);
    return command.map(String).join(' ');
  }
  const text = stringOf(command) ?? '';
  const [, quoted, plain] = /^\S*sh -\w*c (?:'(.*)'|([^'"\s]\S*))$/s.exec(text) ?? [];
  const double = /^\S*sh -\w*c "(.*)"$/s.exec(text)?.[1];
  return (
    quoted?.replaceAll(`'\\''`, "'").replaceAll(`'"'"'`, "'") ??
    plain ??
    double?.replaceAll(/\\(["\\$`])/g, '$1') ??
    text
  );
}

/** `input_tokens` holds the cached ones. */
export function threadUsage(value: unknown): Usage {
  const usage = objectOf(value) ?? {};
  const cacheRead = countOf(usage['cached_input_tokens']);
  const cacheWrite = countOf(usage['cache_write_input_tokens']);
  return {
    input: Math.max(0, countOf(usage['input_tokens']) - cacheRead - cacheWrite),
    output: countOf(usage['output_tokens']),
    cacheRead,
    cacheWrite,
  };
}
