/**
 * Drops shell commands that the configuration ignores; in the daemon, since a test in the shell would slow the
 * prompt.
 */
import { homedir } from 'node:os';
import path from 'node:path';
import type { Config } from '../../config/load.js';
import type { NewEvent } from '../../core/events/event.js';
import { EXECUTION_ENDS, textOf } from '../../core/events/event.js';
import { evictOldest } from '../../core/base/evict.js';
import { matchesGlob } from '../../platform/patterns.js';

export interface IgnoreFilter {
  /** Whether this event is to be dropped. Call it once for each event, in order. */
  covers(event: NewEvent): boolean;
}

/** Ignored commands without an end; the oldest is evicted. */
const MAX_OPEN = 10_000;

export function createIgnoreFilter(config: () => Config['ignore']): IgnoreFilter {
  /** Ignored commands that have not ended. */
  const open = new Set<string>();

  const isIgnored = ({ type, data }: NewEvent): boolean => {
    if (type !== 'execution_started' || data['kind'] !== 'command') return false;
    const { commands, directories } = config();
    if (commands.length === 0 && directories.length === 0) return false;
    const name = textOf(data, 'name')?.trim() ?? '';
    const places = directoriesAbove(textOf(data, 'cwd') ?? '');
    return (
      commands.some((pattern) => matchesGlob(pattern, name)) ||
      directories.some((pattern) => places.some((place) => matchesGlob(fromHome(pattern), place)))
    );
  };

  return {
    covers(event) {
      const { execution } = event;
      if (execution === undefined) return false;
      if (isIgnored(event)) {
        open.add(execution);
        evictOldest(open, MAX_OPEN);
        return true;
      }
      return Object.hasOwn(EXECUTION_ENDS, event.type) ? open.delete(execution) : open.has(execution);
    },
  };
}

/** Returns a directory and its parents. */
function directoriesAbove(directory: string): string[] {
  const above = path.dirname(directory);
  return above === directory || !path.isAbsolute(directory) ? [directory] : [directory, ...directoriesAbove(above)];
}

function fromHome(pattern: string): string {
  const trimmed = pattern.length > 1 && pattern.endsWith('/') ? pattern.slice(0, -1) : pattern;
  return trimmed === '~' || trimmed.startsWith('~/') ? homedir() + trimmed.slice(1) : trimmed;
}
