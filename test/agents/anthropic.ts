/** The Messages API of Anthropic. */
import type { Dialect, Json, ToolCall } from './stand-in.js';
import { objects, serverSent, USAGE } from './stand-in.js';

export const anthropic: Dialect = {
  isPath: (path) => /^\/v1\/messages(?:\?|$)/.test(path),
  resultsIn({ messages, tools }) {
    // other requests, such as for a title, come without tools
    if (objects(tools).length === 0) return undefined;
    const blocks = objects(messages).flatMap(({ content }) => objects(content));
    return blocks.filter(({ type }) => type === 'tool_result').length;
  },
  contentType: 'text/event-stream',
  answer({ text, call }, index) {
    const usage = {
      input_tokens: USAGE.input,
      cache_read_input_tokens: USAGE.cached,
      cache_creation_input_tokens: 0,
      output_tokens: 1,
    };
    const message = {
      ...{ id: `msg_${index}_${Date.now()}`, type: 'message', role: 'assistant', model: 'claude-sonnet-4-5' },
      ...{ content: [], stop_reason: null, stop_sequence: null, usage },
    };
    return serverSent([
      { type: 'message_start', message },
      ...block(0, { type: 'text', text: '' }, { type: 'text_delta', text }),
      ...(call ? callBlock(call, index) : []),
      {
        type: 'message_delta',
        delta: { stop_reason: call ? 'tool_use' : 'end_turn', stop_sequence: null },
        usage: { output_tokens: USAGE.output },
      },
      { type: 'message_stop' },
    ]);
  },
  refuse: ({ kind, message }) => JSON.stringify({ type: 'error', error: { type: kind, message } }),
};

function callBlock(call: ToolCall, index: number): Json[] {
  const [name, input] =
    call.tool === 'shell'
      ? ['Bash', { command: call.command, description: 'Run it' }]
      : ['Write', { file_path: call.file, content: call.text }];
  const start = { type: 'tool_use', id: `toolu_${index}_${Date.now()}`, name, input: {} };
  return block(1, start, { type: 'input_json_delta', partial_json: JSON.stringify(input) });
}

function block(index: number, content: Json, delta: Json): Json[] {
  return [
    { type: 'content_block_start', index, content_block: content },
    { type: 'content_block_delta', index, delta },
    { type: 'content_block_stop', index },
  ];
}
