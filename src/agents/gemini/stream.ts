/** What `gemini --output-format stream-json` prints, one JSON object a line. */
import { wordsOf } from '../../core/activity.js';
import type { Json } from '../../formats/json.js';
import { countOf, finiteOf, objectOf, parseObject, plainError, stringOf } from '../../formats/json.js';
import type { Parser, ParserOptions, StreamEvent } from '../../formats/parser.js';
import type { PlanItem, AgentRecorder } from '../recorder.js';
import { createAgentRecorder } from '../recorder.js';
import type { Usage } from '../usage.js';
import { createUsageCounter } from '../usage.js';

/** Words come in pieces; so many are kept until they are whole. */
const MAX_WORDS = 16 * 1024;

const KNOWN: ReadonlySet<string> = new Set(['init', 'message', 'tool_use', 'tool_result', 'error', 'result']);

/** Its first line; others of its types are too common to be taken for it. */
export function isGeminiLine(line: Json): boolean {
  return line['type'] === 'init' && typeof line['session_id'] === 'string' && typeof line['timestamp'] === 'string';
}

export function createGemini({ step, cwd }: ParserOptions = {}): Parser {
  const trace = createAgentRecorder(step);
  trace.cwd = cwd;
  const usage = createUsageCounter();
  let words = '';

  /** The words before this line, now that something else comes. */
  const flush = () => {
    trace.say('assistant-text', words);
    words = '';
    for (const event of trace.take()) trace.push({ ...event, earlier: true });
  };

  const tell = (line: Json): boolean => {
    switch (line['type']) {
      case 'init': {
        const [session, model] = [stringOf(line['session_id']), stringOf(line['model'])];
        trace.activity('init', {
          agent: 'gemini',
          ...(session !== undefined && { session }),
          ...(model !== undefined && { model }),
        });
        return true;
      }
      case 'message':
        if (line['role'] !== 'assistant') trace.say('prompt', line['content'], '/content');
        else if (line['delta'] !== true) trace.say('assistant-text', line['content'], '/content');
        else {
          words += wordsOf(line['content']) ?? '';
          if (words.length > MAX_WORDS) flush();
        }
        return true;
      case 'tool_use':
        callTool(trace, stringOf(line['tool_id']), line['tool_name'], line['parameters']);
        return true;
      case 'tool_result': {
        const error = objectOf(line['error']);
        const failed = line['status'] === 'error' || error !== undefined;
        trace.result({
          id: stringOf(line['tool_id']),
          words: line['output'] ?? error?.['message'],
          at: line['output'] === undefined ? '/error/message' : '/output',
          ...(failed && { error: stringOf(error?.['message']) ?? stringOf(error?.['type']) ?? '' }),
        });
        return true;
      }
      case 'error':
        trace.log(line['severity'] === 'warning' ? 'warning' : 'error', stringOf(line['message']) ?? 'error');
        return true;
      case 'result': {
        const stats = objectOf(line['stats']) ?? {};
        const message = stringOf(objectOf(line['error'])?.['message']);
        const error = message === undefined ? undefined : plainError(message);
        const durationMs = finiteOf(stats['duration_ms']);
        const data = { ...usage.upTo(statsUsage(stats)), ...(durationMs !== undefined && { durationMs }) };
        const isFailed = line['status'] !== 'success' || error !== undefined;
        trace.finish(
          isFailed
            ? { status: 'failed', error: error ?? stringOf(line['status']) ?? 'error' }
            : { status: 'completed' },
          data,
          undefined,
        );
        if (error !== undefined) trace.log('error', error);
        return true;
      }
      default:
        return false;
    }
  };

  return {
    line(text) {
      const line = parseObject(text);
      if (!line) return undefined;
      const isPiece = line['type'] === 'message' && line['delta'] === true;
      if (words !== '' && !isPiece && KNOWN.has(String(line['type']))) flush();
      return tell(line) ? trace.take() : undefined;
    },
    end(status) {
      flush();
      const told: readonly StreamEvent[] = trace.take();
      return [...told, ...trace.end(status)];
    },
    get claim() {
      return trace.claim;
    },
  };
}

/** A call of one of its tools, under the names that people know from the others. */
export function callTool(trace: AgentRecorder, id: string | undefined, name: unknown, input: unknown): void {
  const known = stringOf(name) ?? 'tool';
  const kind = known === 'invoke_agent' ? 'subagent' : 'tool';
  trace.call({ id, tool: TOOL_NAMES[known] ?? known, input, kind });
  if (known === 'write_todos') trace.plan(todosOf(objectOf(input) ?? {}));
}

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

function todosOf(input: Json): PlanItem[] {
  const todos = Array.isArray(input['todos']) ? input['todos'].map(objectOf) : [];
  return todos
    .filter((todo) => todo !== undefined)
    .map((todo) => ({
      name: stringOf(todo['description']) ?? '?',
      status: PLAN_STATUSES[stringOf(todo['status']) ?? ''] ?? 'pending',
    }));
}

const PLAN_STATUSES: Readonly<Record<string, 'running' | 'completed' | 'skipped' | undefined>> = {
  in_progress: 'running',
  completed: 'completed',
  cancelled: 'skipped',
};

/** The prompt's tokens hold the cached ones; thoughts and tools are only in the sum. */
function statsUsage(stats: Json): Usage {
  const cacheRead = countOf(stats['cached']);
  const input = Math.max(0, countOf(stats['input_tokens']) - cacheRead);
  const rest = countOf(stats['total_tokens']) - input - cacheRead;
  return { input, cacheRead, cacheWrite: 0, output: Math.max(countOf(stats['output_tokens']), rest) };
}
