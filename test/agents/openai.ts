/** The Responses API of OpenAI. */
import type { Dialect, Json, ToolCall } from './stand-in.js';
import { objects, serverSent, USAGE } from './stand-in.js';

export const openai: Dialect = {
  isPath: (path) => /^\/v1\/responses(?:\?|$)/.test(path),
  resultsIn: ({ input }) => objects(input).filter(({ type }) => String(type).endsWith('_call_output')).length,
  contentType: 'text/event-stream',
  answer({ text, call }, index) {
    const id = `resp_${index}_${Date.now()}`;
    const message = {
      ...{ type: 'message', role: 'assistant', id: `msg_${id}`, status: 'completed' },
      content: [{ type: 'output_text', text, annotations: [] }],
    };
    const usage = {
      input_tokens: USAGE.input + USAGE.cached,
      input_tokens_details: { cached_tokens: USAGE.cached },
      output_tokens: USAGE.output,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: USAGE.input + USAGE.cached + USAGE.output,
    };
    return serverSent([
      { type: 'response.created', response: { id } },
      { type: 'response.output_item.done', output_index: 0, item: message },
      ...(call ? [{ type: 'response.output_item.done', output_index: 1, item: callItem(call, index) }] : []),
      { type: 'response.completed', response: { id, usage } },
    ]);
  },
  refuse: ({ kind, message }) => JSON.stringify({ error: { type: kind, code: kind, message } }),
};

function callItem(call: ToolCall, index: number): Json {
  const call_id = `call_${index}_${Date.now()}`;
  if (call.tool === 'shell') {
    return { type: 'function_call', name: 'exec_command', call_id, arguments: JSON.stringify({ cmd: call.command }) };
  }
  const lines = call.text.replace(/\n$/, '').split('\n');
  const patch = ['*** Begin Patch', `*** Add File: ${call.file}`, ...lines.map((line) => `+${line}`), '*** End Patch'];
  return { type: 'custom_tool_call', name: 'apply_patch', call_id, input: patch.join('\n') };
}
