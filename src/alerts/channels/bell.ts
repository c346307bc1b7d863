/** Channel that rings the bell of the terminal that an execution was started from. */
import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import type { ExecutionJson } from '../../core/execution.js';
import { terminalOf } from '../../platform/processes.js';
import type { AlertChannel } from '../channel.js';

const BEL = '\x07';
/** Files that are terminals; an event may name any file. */
const TERMINAL = /^\/dev\/(?:pts\/\d{1,7}|tty\d{1,3}|ttys\d{3})$/;
/** `bash-1234-...`, `run-1234-...`: the process that wrote the events. */
const SOURCE = /^([a-z]+)-(\d{1,10})-/;

export function createBell(): AlertChannel {
  return {
    name: 'bell',
    type: 'bell',
    send({ execution }) {
      const rung = execution !== undefined && terminalsOf(execution).some(ring);
      return Promise.resolve(
        rung
          ? { outcome: 'sent' }
          : { outcome: 'unavailable', error: 'the terminal that it was started from is closed' },
      );
    },
  };
}

/** Terminals it may have been started from, the most likely first. */
function terminalsOf({ producer: { source = '' } = {}, process: { pid, tty, host } = {} }: ExecutionJson): string[] {
  if (host !== undefined && host !== hostname()) return [];
  const [, writer, number] = SOURCE.exec(source) ?? [];
  // a bell on the pseudo-terminal of a run would be part of its output
  const pids = [number === undefined ? undefined : Number(number), writer === 'run' ? undefined : pid];
  const theirs = pids.map((id) => (id === undefined ? undefined : terminalOf(id)));
  return [...theirs, tty].filter((file) => file !== undefined).filter((file) => TERMINAL.test(file));
}

/** Rings the bell. @returns false when the terminal belongs to another user, or does not accept output */
function ring(file: string): boolean {
  try {
    const { O_WRONLY, O_NONBLOCK, O_NOCTTY, O_NOFOLLOW } = constants;
    const descriptor = openSync(file, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
    try {
      const { uid, mode } = fstatSync(descriptor);
      const isOurs = uid === process.getuid?.() && (mode & constants.S_IFMT) === constants.S_IFCHR;
      return isOurs && writeSync(descriptor, BEL) === BEL.length;
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return false;
  }
}
