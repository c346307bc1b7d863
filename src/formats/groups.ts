/** Parses workflow commands of GitHub Actions and Azure Pipelines: `::group::NAME`, `::error file=a.c::text`. */
import { clip } from '../core/events/fields.js';
import type { Parser, StreamEvent } from './parser.js';

const COMMAND =
  /^\s*(?:::(group|endgroup|error|warning|notice)(?: [^:]*(?::[^:]+)*?)?::|##\[(group|endgroup|error|warning)\])(.*)$/;
const LEVELS: Readonly<Record<string, string | undefined>> = { error: 'error', warning: 'warning', notice: 'info' };
const NAME_CHARS = 200;
const MESSAGE_CHARS = 4_096;

/** Creates a parser for workflow commands. */
export function createGroups(): Parser {
  let count = 0;
  let open: string | undefined;
  const close = (type: string): StreamEvent[] => {
    const step = open;
    open = undefined;
    return step === undefined ? [] : [{ type, step, data: {} }];
  };
  return {
    line(text) {
      if (!text.includes('::') && !text.includes('##[')) return [];
      const [, github, azure, rest = ''] = COMMAND.exec(text) ?? [];
      const command = github ?? azure;
      if (command === undefined) return [];
      const level = LEVELS[command];
      if (level !== undefined) return [{ type: 'log', data: { level, message: clip(unescape(rest), MESSAGE_CHARS) } }];
      // groups do not nest: the next one ends the previous one
      const closed = close('step_completed');
      if (command === 'endgroup') return closed;
      count += 1;
      open = `group-${count}`;
      const name = clip(unescape(rest).trim(), NAME_CHARS) || open;
      return [...closed, { type: 'step_started', step: open, data: { name, kind: 'step' } }];
    },
    // the open group gets the outcome of the execution
    end: (status) =>
      close(status === 'completed' ? 'step_completed' : status === 'failed' ? 'step_failed' : 'step_cancelled'),
  };
}

/** Reverses the escaping of GitHub's runner. */
function unescape(text: string): string {
  return text.replaceAll('%0D', '\r').replaceAll('%0A', '\n').replaceAll('%25', '%');
}
