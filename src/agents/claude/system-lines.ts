/** Records the lines of type `system` in the output of Claude Code, by their subtype. */
import type { Json } from '../../formats/json.js';
import { countOf, finiteOf, objectOf, stringOf } from '../../formats/json.js';
import type { AgentRecorder } from '../recorder.js';
import { firstLine, stringsIn } from '../text.js';
import type { ClaudeMessages } from './content.js';

type RecordLine = (recorder: AgentRecorder, line: Json, messages: ClaudeMessages) => void;

/** Types and subtypes of lines that yield no events. */
export const IGNORED: ReadonlySet<string> = new Set([
  ...['stream_event', 'keep_alive', 'control_response', 'tool_progress', 'auth_status', 'transcript_mirror'],
  ...['hook_started', 'hook_progress', 'thinking_tokens', 'background_tasks_changed', 'commands_changed'],
  ...['files_persisted', 'memory_recall', 'mirror_error', 'plugin_install', 'control_request_progress', 'task_updated'],
]);

/** @returns false for a line of an unknown subtype */
export function recordSystemLine(line: Json, recorder: AgentRecorder, messages: ClaudeMessages): boolean {
  const subtype = stringOf(line['subtype']) ?? '';
  const record = Object.hasOwn(SUBTYPES, subtype) ? SUBTYPES[subtype] : undefined;
  record?.(recorder, line, messages);
  return record !== undefined || IGNORED.has(subtype);
}

const SUBTYPES: Readonly<Record<string, RecordLine | undefined>> = {
  init(recorder, line) {
    recorder.cwd = stringOf(line['cwd']);
    const { session_id: session, model, cwd, claude_code_version: version } = line;
    recorder.activity('init', { agent: 'claude', ...stringsIn({ session, model, cwd, version }) });
  },
  status(recorder, line) {
    if (line['status'] === 'compacting') recorder.log('info', 'compacting the context');
    const error = stringOf(line['compact_error']);
    if (error !== undefined) recorder.log('warning', `the context could not be compacted: ${error}`);
  },
  compact_boundary(recorder, line) {
    const { pre_tokens: before, post_tokens: after } = objectOf(line['compact_metadata']) ?? {};
    recorder.log('info', `the context is compacted: ${countOf(before)} tokens to ${countOf(after)}`);
  },
  api_retry(recorder, line) {
    const seconds = (countOf(line['retry_delay_ms']) / 1_000).toFixed(1);
    const attempt = `${countOf(line['attempt'])} of ${countOf(line['max_retries'])}`;
    const status = finiteOf(line['error_status']);
    const reason = stringOf(line['error']) ?? 'error';
    recorder.log(
      'warning',
      `${reason}${status === undefined ? '' : ` (${status})`}: attempt ${attempt} in ${seconds} s`,
    );
  },
  hook_response(recorder, line) {
    if (line['outcome'] !== 'error') return;
    recorder.log('warning', `hook ${stringOf(line['hook_name']) ?? ''} failed: ${firstLine(stringOf(line['stderr']))}`);
  },
  task_started(recorder, line) {
    const id = stringOf(line['tool_use_id']);
    const isAgent = stringOf(line['task_type'])?.endsWith('_agent') === true;
    // the call of a nested sub-agent may not be in the output
    if (id !== undefined && isAgent && !recorder.isOpen(id)) {
      recorder.open(id, { name: stringOf(line['description']) ?? 'sub-agent', kind: 'subagent' });
    }
  },
  task_progress(recorder, line, messages) {
    const id = stringOf(line['tool_use_id']);
    const message = stringOf(line['description']);
    if (id === undefined || message === undefined || !recorder.isOpen(id) || !messages.isSubagent(id)) return;
    recorder.push({ type: 'progress', step: id, data: { message } });
  },
  task_notification(recorder, line) {
    const id = stringOf(line['tool_use_id']);
    const status = line['status'];
    if (id === undefined) return;
    const durationMs = finiteOf(objectOf(line['usage'])?.['duration_ms']);
    const ended = status === 'failed' ? 'failed' : status === 'stopped' ? 'cancelled' : 'completed';
    recorder.close(id, ended, durationMs === undefined ? {} : { durationMs });
  },
  permission_denied(recorder, line) {
    recorder.log('warning', `denied: ${stringOf(line['message']) ?? stringOf(line['tool_name']) ?? 'a tool'}`);
  },
  informational(recorder, line) {
    recorder.log(line['level'] === 'warning' ? 'warning' : 'info', stringOf(line['content']) ?? '');
  },
  notification(recorder, line) {
    recorder.log('info', stringOf(line['text']) ?? '');
  },
  post_turn_summary(recorder, line) {
    recorder.log('info', stringOf(line['status_detail']) ?? '');
  },
  session_state_changed(recorder, line) {
    if (line['state'] === 'requires_action') recorder.wait('an answer');
    else recorder.resume();
  },
};
