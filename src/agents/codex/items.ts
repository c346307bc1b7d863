/** Reads parts of Codex's items that its output and its session files share: commands, changes of files, usage, sub-agents. */
import { fromHere } from '../../core/events/activity.js';
import type { Json } from '../../formats/json.js';
import { countOf, objectOf, objectsOf, stringOf } from '../../formats/json.js';
import type { AgentRecorder } from '../recorder.js';
import type { Usage } from '../usage.js';

const SUBAGENT_NAME_CHARS = 200;
const TITLE_CHARS = 200;
const MAX_TITLE_FILES = 5;

/** Records sub-agents, which outlive the call that has started them; the results of later calls have their states. */
export function recordSubagents(recorder: AgentRecorder, item: Json): void {
  const states = objectOf(item['agents_states']) ?? {};
  const parent = stringOf(item['id']);
  const receivers = Array.isArray(item['receiver_thread_ids']) ? item['receiver_thread_ids'] : [];
  for (const id of receivers) {
    if (item['tool'] !== 'spawn_agent' || typeof id !== 'string') continue;
    const name = (stringOf(item['prompt']) ?? 'sub-agent').slice(0, SUBAGENT_NAME_CHARS);
    recorder.open(id, { name, kind: 'subagent', ...(parent !== undefined && { parent }) });
  }
  for (const [id, state] of Object.entries(states)) {
    const { status, message } = objectOf(state) ?? {};
    if (status === 'completed') recorder.close(id, 'completed');
    else if (status === 'errored') recorder.close(id, 'failed', { error: stringOf(message) ?? 'error' });
    else if (status === 'shutdown' || status === 'interrupted') recorder.close(id, 'cancelled');
  }
}

/** Returns the error of an item that has ended, if it has failed. @param reason more precise than the status */
export function itemError(item: Json, reason: string | undefined): string | undefined {
  const status = stringOf(item['status']);
  return reason ?? (status === 'failed' || status === 'declined' ? status : undefined);
}

export function exitError(exitCode: number | undefined): string | undefined {
  return exitCode === undefined || exitCode === 0 ? undefined : `exit ${exitCode}`;
}

export interface FileChange {
  path: string;
  kind: string;
  added?: number;
  removed?: number;
}

/** Reads changes, whose `kind` is a word or an object with details. */
export function changesOf(value: unknown): FileChange[] {
  return objectsOf(value).map((change) => {
    const details = objectOf(change['kind']);
    const kind = stringOf(change['kind']) ?? stringOf(details?.['type']) ?? 'update';
    const diff = stringOf(change['diff']) ?? stringOf(details?.['unified_diff'] ?? details?.['diff']);
    return { path: stringOf(change['path']) ?? '?', kind, ...(diff !== undefined && countDiff(diff)) };
  });
}

/** Records a patch in the format of the tool `apply_patch`. */
export function recordPatch(recorder: AgentRecorder, id: string | undefined, patch: string): void {
  recorder.call({ id, tool: 'Edit', input: patch, title: editTitle(patchChanges(patch), recorder.cwd) });
}

function patchChanges(patch: string): FileChange[] {
  return patch
    .split(/^\*\*\* (?=Add File: |Update File: |Delete File: )/m)
    .slice(1)
    .map((part) => {
      const [head = '', ...body] = part.split('\n');
      const [word = '', path = '?'] = head.split(' File: ');
      return { path, kind: word.toLowerCase(), ...countDiff(body.join('\n')) };
    });
}

/** Counts the lines that a unified diff or a patch adds and removes. */
function countDiff(diff: string): { added: number; removed: number } {
  let added = 0;
  let removed = 0;
  for (const line of diff.split('\n')) {
    if (line.startsWith('+') && !line.startsWith('+++ ')) added += 1;
    else if (line.startsWith('-') && !line.startsWith('--- ')) removed += 1;
  }
  return { added, removed };
}

/** Returns a title such as `Edit: src/a.ts +12 -3, src/b.ts`. */
export function editTitle(changes: readonly FileChange[], cwd: string | undefined): string {
  const shown = changes.slice(0, MAX_TITLE_FILES).map(({ path, kind, added, removed }) => {
    const word = kind === 'add' ? 'new ' : kind === 'delete' ? 'deleted ' : '';
    const lines = added === undefined ? '' : ` +${added} -${removed ?? 0}`;
    return `${word}${fromHere(path, cwd)}${lines}`;
  });
  const more = changes.length > shown.length ? ` and ${changes.length - shown.length} more` : '';
  return `Edit: ${shown.join(', ')}${more}`.slice(0, TITLE_CHARS);
}

/** Returns the command that a shell was started for: `make test` of `/bin/bash -lc 'make test'`. */
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

/** Reads usage, whose `input_tokens` include the cached ones. */
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
