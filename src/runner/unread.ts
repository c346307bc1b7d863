/** Reads back input of a terminal that no process has read. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';

export interface Unread {
  bytes: Buffer;
  /** Whether the input was echoed, and so is no password. */
  isEchoed: boolean;
}

export const NOTHING_UNREAD: Unread = { bytes: Buffer.alloc(0), isEchoed: true };

/** Timeout: another process may read the marker. */
const TIMEOUT_MS = 2_000;
const POLL_MS = 5;
const READ_BYTES = 4_096;

/** Modes in which an incomplete line can be read and no character sends a signal. */
const UNBUFFERED = ['-icanon', '-echo', '-isig', '-iexten', '-ixon', 'min', '1', 'time', '0'];
/** Canonical mode stores Ctrl-D as NUL. */
const END_OF_INPUT = 0x04;

/**
 * @param fd - Terminal of the command, non-blocking.
 * @param mark - Text that no user types; it marks the end, since input reaches the queue late but in order.
 * @param type - Types into the terminal.
 */
export async function readUnread(fd: number, mark: Buffer, type: (bytes: Buffer) => void): Promise<Unread> {
  const modes = (await stty(fd, ['-a'])).split(/[\s;]+/);
  await stty(fd, UNBUFFERED);
  type(mark);
  let bytes: Buffer = Buffer.alloc(0);
  const deadline = performance.now() + TIMEOUT_MS;
  let end = -1;
  while (end === -1 && performance.now() < deadline) {
    const chunk = readNow(fd);
    if (chunk.length === 0) await delay(POLL_MS);
    bytes = Buffer.concat([bytes, chunk]);
    end = bytes.indexOf(mark);
  }
  if (end !== -1) bytes = bytes.subarray(0, end);
  if (modes.includes('icanon')) bytes = bytes.map((byte) => (byte === 0 ? END_OF_INPUT : byte)) as Buffer;
  return { bytes, isEchoed: modes.includes('echo') };
}

function readNow(fd: number): Buffer {
  const chunk = Buffer.alloc(READ_BYTES);
  try {
    return chunk.subarray(0, readSync(fd, chunk));
  } catch {
    // EAGAIN: the queue is empty
    return chunk.subarray(0, 0);
  }
}

/** @returns The output of stty(1); empty if it fails. */
async function stty(fd: number, args: readonly string[]): Promise<string> {
  const child = spawn('stty', args, { stdio: [fd, 'pipe', 'ignore'] });
  const closed = once(child, 'close').catch(() => undefined);
  const printed = child.stdout ? await text(child.stdout).catch(() => '') : '';
  await closed;
  return printed;
}
