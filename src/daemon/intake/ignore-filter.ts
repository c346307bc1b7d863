/** Which commands of a shell nobody wants to have recorded. The shell tells of all of them, which costs it nothing more. */
import { homedir } from 'node:os';
import path from 'node:path';
import type { Config } from '../../config/load.js';
import type { NewEvent } from '../../core/event.js';
import { EXECUTION_ENDS, textOf } from '../../core/event.js';
import { evictOldest } from '../../core/evict.js';
import { matchesGlob } from '../../platform/patterns.js';

export interface IgnoreFilter {
  /** Is this event to be dropped? To be asked once about each, in order. */
  covers(event: NewEvent): boolean;
}

/** Commands that never tell of their end would fill memory: the oldest goes. */
const MAX_OPEN = 10_000;

export function createIgnoreFilter(config: () => Config['ignore']): IgnoreFilter {
  /** Begun, and not over yet. */
  const open = new Set<string>();

  const isIgnored = ({ type, data }: NewEvent): boolean => {
    if (type !== 'execution_started' || data['kind'] !== 'command') return false;
    const { commands, directories } = config();
    if (commands.length === 0 && directories.length === 0) return false;
    const name = textOf(data, 'name')?.trim() ?? '';
    const places = ancestorsOf(textOf(data, 'cwd') ?? '');
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

/** With the directory itself. */
function ancestorsOf(directory: string): string[] {
  const above = path.dirname(directory);
  return above === directory || !path.isAbsolute(directory) ? [directory] : [directory, ...ancestorsOf(above)];
}

function fromHome(pattern: string): string {
  const trimmed = pattern.length > 1 && pattern.endsWith('/') ? pattern.slice(0, -1) : pattern;
  return trimmed === '~' || trimmed.startsWith('~/') ? homedir() + trimmed.slice(1) : trimmed;
}
