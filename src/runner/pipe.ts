/** Pipes as a shell has them: Node gives sockets instead, which no program can open as /dev/stdout. */
import { spawnSync } from 'node:child_process';
import { constants, openSync, unlinkSync } from 'node:fs';
import { Socket } from 'node:net';
import path from 'node:path';
import type { Readable } from 'node:stream';

export interface Pipe {
  /** For the command; to be closed here once it has it. */
  readonly end: number;
  readonly stream: Readable;
}

/** As many as are wanted, made in this directory and gone from there; undefined where that cannot be done. */
export function openPipes(directory: string, count: number): Pipe[] | undefined {
  const names = Array.from({ length: count }, (_, index) => path.join(directory, `pipe.${index}`));
  if (spawnSync('mkfifo', ['-m', '600', ...names], { stdio: 'ignore' }).status !== 0) return undefined;
  return names.map((name) => {
    // without waiting for each other: the one end is there when the other is opened
    const fd = openSync(name, constants.O_RDONLY | constants.O_NONBLOCK);
    const end = openSync(name, constants.O_WRONLY);
    unlinkSync(name);
    return { end, stream: new Socket({ fd, readable: true, writable: false }) };
  });
}
