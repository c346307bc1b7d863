/** `generateContent` of the Gemini API, as one response and as a stream. */
import type { Dialect, Json, ToolCall } from './stand-in.js';
import { objects, serverSent, USAGE } from './stand-in.js';

export const gemini: Dialect = {
  isPath: (path) => /^\/v1(?:beta)?\/models\/[^/]+:(?:streamG|g)enerateContent/.test(path),
  resultsIn({ contents, tools }) {
    if (objects(tools).length === 0) return undefined;
    const parts = objects(contents).flatMap((content) => objects(content['parts']));
    return parts.filter((part) => part['functionResponse'] !== undefined).length;
  },
  contentType: 'text/event-stream',
  answer({ text, call }) {
    const parts = [{ text }, ...(call ? [{ functionCall: functionCall(call) }] : [])];
    const usageMetadata = {
      promptTokenCount: USAGE.input + USAGE.cached,
      cachedContentTokenCount: USAGE.cached,
      candidatesTokenCount: USAGE.output,
      totalTokenCount: USAGE.input + USAGE.cached + USAGE.output,
    };
    return serverSent([
      {
        candidates: [{ index: 0, content: { role: 'model', parts }, finishReason: 'STOP' }],
        usageMetadata,
        modelVersion: 'gemini-2.5-pro',
      },
    ]);
  },
  refuse: ({ status, kind, message }) => JSON.stringify({ error: { code: status, status: kind, message } }),
};

function functionCall(call: ToolCall): Json {
  return call.tool === 'shell'
    ? { name: 'run_shell_command', args: { command: call.command, description: 'Run it' } }
    : { name: 'write_file', args: { file_path: call.file, content: call.text } };
}
