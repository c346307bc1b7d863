/** A Unix socket at a path that is never without a listener once there was one. */
import { chmodSync, lstatSync, renameSync, unlinkSync } from 'node:fs';
import { once } from 'node:events';
import type { Server } from 'node:net';
import { ProgressError, errnoOf } from '../core/errors.js';

export interface BoundSocket {
  /** Does the path still lead here? */
  isBound(): boolean;
  /** Removes the path while it leads here. */
  release(): void;
}

/**
 * Listens under a name of its own, then moves that to the path: closing the server, which unlinks the name that it was
 * bound to, cannot take away the socket of the next daemon. The caller holds the lock: whatever is at the path is left
 * over from a daemon that is gone.
 */
export async function bindUnix(server: Server, socket: string): Promise<BoundSocket> {
  const own = `${socket}.${process.pid}`;
  checkReplaceable(socket);
  removeSocket(own);
  try {
    server.listen(own);
    await once(server, 'listening');
    chmodSync(own, 0o600);
    renameSync(own, socket);
  } catch (error) {
    server.close();
    removeSocket(own);
    throw error;
  }
  const { ino } = lstatSync(socket);
  const isBound = () => lstatSync(socket, { throwIfNoEntry: false })?.ino === ino;
  return {
    isBound,
    release() {
      if (isBound()) removeSocket(socket);
    },
  };
}

function checkReplaceable(socket: string): void {
  const stat = lstatSync(socket, { throwIfNoEntry: false });
  if (stat && !stat.isSocket()) {
    throw new ProgressError('no_permission', `${socket} is not a socket: move it away, the daemon listens there`);
  }
}

function removeSocket(socket: string): void {
  try {
    unlinkSync(socket);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}
