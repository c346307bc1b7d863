/** Session files of Gemini CLI: `~/.gemini/tmp/<project>/chats/session-*.jsonl`. A message is written again as it grows. */
import { wordsOf } from '../../core/activity.js';
import { normalizeTime } from '../../core/time.js';
import { callTool } from './stream.js';
import type { Json } from '../../formats/json.js';
import { countOf, objectOf, objectsOf, parseObject, stringOf } from '../../formats/json.js';
import type { Parser, ParserOptions, StreamEvent } from '../../formats/parser.js';
import { createAgentRecorder } from '../recorder.js';
import { createUsageCounter } from '../usage.js';

export function isGeminiTranscriptLine(line: Json): boolean {
  return typeof line['sessionId'] === 'string' && typeof line['projectHash'] === 'string';
}

/** Messages that may still grow. */
const MAX_MESSAGES = 100;
const ENDED: ReadonlySet<string> = new Set(['success', 'error', 'cancelled']);

interface Told {
  chars: number;
  thoughts: number;
  isCounted: boolean;
  /** Ids of its calls that have ended. */
  ended: Set<string>;
}

export function createGeminiTranscript({ step, cwd }: ParserOptions = {}): Parser {
  const trace = createAgentRecorder(step);
  trace.cwd = cwd;
  const usage = createUsageCounter();
  const messages = new Map<string, Told>();
  let model: string | undefined;
  /** The prompt that nothing has answered yet. */
  let asked: string | undefined;

  const toldOf = (id: string): Told => {
    const known = messages.get(id) ?? { chars: 0, thoughts: 0, isCounted: false, ended: new Set<string>() };
    messages.set(id, known);
    const [oldest] = messages.keys();
    if (messages.size > MAX_MESSAGES && oldest !== undefined) messages.delete(oldest);
    return known;
  };

  const tellCalls = (line: Json, told: Told) => {
    for (const call of objectsOf(line['toolCalls'])) {
      const id = stringOf(call['id']);
      if (id === undefined || told.ended.has(id)) continue;
      if (!trace.isOpen(id)) callTool(trace, id, call['name'], call['args']);
      const status = stringOf(call['status']) ?? '';
      if (status === 'awaiting_approval') trace.wait(`may it use ${stringOf(call['name']) ?? 'a tool'}?`);
      else trace.goOn();
      if (!ENDED.has(status)) continue;
      told.ended.add(id);
      const words = call['resultDisplay'];
      const failed = status === 'error' ? (stringOf(words) ?? '') : undefined;
      trace.result({ id, words, error: failed, ...(status === 'cancelled' && { status: 'cancelled' as const }) });
    }
  };

  const tellMessage = (line: Json, id: string): boolean => {
    const text = wordsOf(line['content']) ?? '';
    const told = toldOf(id);
    const fresh = text.slice(told.chars);
    told.chars = Math.max(told.chars, text.length);
    switch (line['type']) {
      case 'user':
        trace.claim = undefined;
        asked = id;
        trace.say('prompt', fresh);
        return true;
      case 'info':
        trace.log('info', text);
        return true;
      case 'warning':
      case 'error':
        trace.log(line['type'], text);
        return true;
      case 'gemini': {
        asked = undefined;
        if (typeof line['model'] === 'string' && line['model'] !== model) {
          model = line['model'];
          trace.activity('init', { agent: 'gemini', model });
        }
        const thoughts = objectsOf(line['thoughts']);
        for (const thought of thoughts.slice(told.thoughts)) {
          trace.say(
            'thinking',
            [thought['subject'], thought['description']].filter((part) => typeof part === 'string'),
          );
        }
        told.thoughts = Math.max(told.thoughts, thoughts.length);
        trace.say('assistant-text', fresh);
        tellCalls(line, told);
        const tokens = objectOf(line['tokens']);
        // whole, and it wants nothing more
        const isLast = tokens !== undefined && text !== '' && objectsOf(line['toolCalls']).length === 0;
        trace.claim = isLast ? { status: 'completed' } : undefined;
        if (tokens && !told.isCounted) {
          told.isCounted = true;
          const cacheRead = countOf(tokens['cached']);
          const input = Math.max(0, countOf(tokens['input']) - cacheRead);
          const output = countOf(tokens['total']) - input - cacheRead;
          trace.activity('usage', usage.more({ input, cacheRead, cacheWrite: 0, output: Math.max(0, output) }));
        }
        return true;
      }
      default:
        return false;
    }
  };

  const tell = (line: Json): boolean => {
    const id = stringOf(line['id']);
    if (id !== undefined) return tellMessage(line, id);
    if (isGeminiTranscriptLine(line)) {
      const [directory] = Array.isArray(line['directories']) ? (line['directories'] as unknown[]) : [];
      trace.cwd = stringOf(directory) ?? cwd;
      trace.activity('init', {
        agent: 'gemini',
        session: line['sessionId'],
        ...(trace.cwd !== undefined && { cwd: trace.cwd }),
      });
      return true;
    }
    const kept = objectOf(line['$set'])?.['messages'];
    if (asked !== undefined && Array.isArray(kept) && !objectsOf(kept).some((message) => message['id'] === asked)) {
      trace.claim = { status: 'failed', error: 'its prompt was taken back, unanswered' };
    }
    return line['$set'] !== undefined || line['$rewindTo'] !== undefined;
  };

  return {
    line(text) {
      const line = parseObject(text);
      if (!line || !tell(line)) return undefined;
      const time = normalizeTime(stringOf(line['timestamp']) ?? stringOf(line['startTime']) ?? '');
      return trace.take().map((event): StreamEvent => (time === undefined ? event : { ...event, time }));
    },
    end: (status) => trace.end(status),
    get claim() {
      return trace.claim;
    },
  };
}
