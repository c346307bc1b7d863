/** Reads back what was typed into a terminal and was not read by any process. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';

export interface Unread {
  bytes: Buffer;
  /** Characters were shown when they were typed: they are no password. */
  isEchoed: boolean;
}

export const NOTHING_UNREAD: Unread = { bytes: Buffer.alloc(0), isEchoed: true };

/** Another process that reads from the terminal may take the mark. */
const TIMEOUT_MS = 2_000;
const POLL_MS = 5;
const READ_BYTES = 4_096;

/** A line that is not complete can be read as well, and no character is a signal. */
const UNBUFFERED = ['-icanon', '-echo', '-isig', '-iexten', '-ixon', 'min', '1', 'time', '0'];
/** In the queue of a terminal in canonical mode, Ctrl-D is a NUL. */
const END_OF_INPUT = 0x04;

/**
 * @param fd - The terminal of the command, non-blocking.
 * @param mark - A text that nobody else types.
 * @param type - Types into the terminal. What was typed reaches its queue late, but in order: so the mark ends it.
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
    // EAGAIN: nothing there for now
    return chunk.subarray(0, 0);
  }
}

/** What it prints; nothing where it fails. */
async function stty(fd: number, args: readonly string[]): Promise<string> {
  const child = spawn('stty', args, { stdio: [fd, 'pipe', 'ignore'] });
  const closed = once(child, 'close').catch(() => undefined);
  const printed = child.stdout ? await text(child.stdout).catch(() => '') : '';
  await closed;
  return printed;
}
