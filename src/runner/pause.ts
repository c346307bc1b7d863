/** A run that stands still, until it is resumed, or somebody else has sent it the signal for that. */
import { isStandingStill } from '../processes.js';
import type { Group } from './group.js';
import type { Tell } from './tell.js';

export interface Pausing {
  readonly isPaused: boolean;
  begin(group: Group, by: string | undefined): void;
  end(by: string | undefined): void;
  /** Nothing more is told. */
  close(): void;
}

/** Does it still stand still? */
const POLL_MS = 1_000;

export function createPausing(emit: Tell): Pausing {
  let timer: NodeJS.Timeout | undefined;
  const close = () => {
    clearInterval(timer);
    timer = undefined;
  };
  const end = (by: string | undefined) => {
    if (timer) emit('execution_resumed', by === undefined ? {} : { by }, 'now');
    close();
  };
  return {
    get isPaused() {
      return timer !== undefined;
    },
    begin(group, by) {
      if (timer) return;
      emit('execution_paused', by === undefined ? {} : { by }, 'now');
      timer = setInterval(() => {
        if (group.members().some((process) => !isStandingStill(process))) end('a signal that somebody else has sent');
      }, POLL_MS).unref();
    },
    end,
    close,
  };
}
