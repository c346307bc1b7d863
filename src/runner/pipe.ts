/** Pipes as a shell has them: Node gives sockets instead, which no program can open as /dev/stdout. */
import { spawnSync } from 'node:child_process';
import { closeSync, constants, openSync, rmSync } from 'node:fs';
import type { OnReadOpts, SocketConstructorOpts } from 'node:net';
import { Socket } from 'node:net';
import path from 'node:path';
import type { PumpSource } from './pump.js';

export interface Pipe {
  /** For the command; to be closed here once it has it. */
  readonly end: number;
  readonly source: PumpSource;
}

/** As much as a pipe holds. */
const READ_BYTES = 64 * 1024;

/** As many as are wanted, made in this directory and gone from there; undefined where that cannot be done. */
export function openPipes(directory: string, count: number): Pipe[] | undefined {
  const names = Array.from({ length: count }, (_, index) => path.join(directory, `pipe.${index}`));
  if (spawnSync('mkfifo', ['-m', '600', ...names], { stdio: 'ignore' }).status !== 0) return undefined;
  try {
    return names.map((name) => {
      // without waiting for each other: the one end is there when the other is opened
      const fd = openSync(name, constants.O_RDONLY | constants.O_NONBLOCK);
      const end = openSync(name, constants.O_WRONLY);
      return { end, source: readFrom(fd) };
    });
  } finally {
    for (const name of names) rmSync(name, { force: true });
  }
}

/** A pipe to the command, made in this directory; undefined where that cannot be done. */
export function openInput(directory: string): { end: number; input: Socket } | undefined {
  const name = path.join(directory, 'pipe.in');
  if (spawnSync('mkfifo', ['-m', '600', name], { stdio: 'ignore' }).status !== 0) return undefined;
  try {
    // the writer can only be opened where there is a reader, and the command must get one that waits for input
    const first = openSync(name, constants.O_RDONLY | constants.O_NONBLOCK);
    const writer = openSync(name, constants.O_WRONLY | constants.O_NONBLOCK);
    const end = openSync(name, constants.O_RDONLY);
    closeSync(first);
    return { end, input: new Socket({ fd: writer, readable: false, writable: true }) };
  } finally {
    rmSync(name, { force: true });
  }
}

/** Into the same memory again and again, as long as nobody holds on to it. */
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
      // documented for connections, and the same for what is read by its descriptor
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
