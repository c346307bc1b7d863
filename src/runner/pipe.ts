/** Creates named pipes: Node creates sockets, which no program can open as /dev/stdout. */
import { spawnSync } from 'node:child_process';
import { closeSync, constants, openSync, rmSync } from 'node:fs';
import type { OnReadOpts, SocketConstructorOpts } from 'node:net';
import { Socket } from 'node:net';
import path from 'node:path';
import type { PumpSource } from './pump.js';

export interface Pipe {
  /** Descriptor for the command; to be closed here once the command has it. */
  readonly end: number;
  readonly source: PumpSource;
}

/** Capacity of a pipe. */
const READ_BYTES = 64 * 1024;

/** Creates pipes in this directory and unlinks them; undefined if that fails. */
export function openPipes(directory: string, count: number): Pipe[] | undefined {
  const names = Array.from({ length: count }, (_, index) => path.join(directory, `pipe.${index}`));
  if (spawnSync('mkfifo', ['-m', '600', ...names], { stdio: 'ignore' }).status !== 0) return undefined;
  try {
    return names.map((name) => {
      // opening neither end blocks, since the reader comes first
      const fd = openSync(name, constants.O_RDONLY | constants.O_NONBLOCK);
      const end = openSync(name, constants.O_WRONLY);
      return { end, source: readFrom(fd) };
    });
  } finally {
    for (const name of names) rmSync(name, { force: true });
  }
}

/** Creates a pipe for standard input in this directory; undefined if that fails. */
export function openInput(directory: string): { end: number; input: Socket } | undefined {
  const name = path.join(directory, 'pipe.in');
  if (spawnSync('mkfifo', ['-m', '600', name], { stdio: 'ignore' }).status !== 0) return undefined;
  try {
    // a writer can only be opened while there is a reader, and the command needs one that blocks
    const first = openSync(name, constants.O_RDONLY | constants.O_NONBLOCK);
    const writer = openSync(name, constants.O_WRONLY | constants.O_NONBLOCK);
    const end = openSync(name, constants.O_RDONLY);
    closeSync(first);
    return { end, input: new Socket({ fd: writer, readable: false, writable: true }) };
  } finally {
    rmSync(name, { force: true });
  }
}

/** Reads a descriptor into one buffer that is reused unless a listener keeps it. */
function readFrom(fd: number): PumpSource {
  let socket: Socket | undefined;
  return {
    listen(onChunk, onEnd) {
      let room = Buffer.allocUnsafeSlow(READ_BYTES);
      let isHeld = false;
      const onread: OnReadOpts = {
        buffer: () => {
          if (isHeld) room = Buffer.allocUnsafeSlow(READ_BYTES);
          return room;
        },
        callback: (bytes: number) => {
          isHeld = onChunk(room.subarray(0, bytes));
          return true;
        },
      };
      // documented for connections; works for a descriptor as well
      const options: SocketConstructorOpts & { onread: OnReadOpts } = { fd, readable: true, writable: false, onread };
      socket = new Socket(options);
      socket.once('close', onEnd);
      socket.resume();
    },
    pause: () => void socket?.pause(),
    resume: () => void socket?.resume(),
    close() {
      if (socket) socket.destroy();
      else closeSync(fd);
    },
  };
}
