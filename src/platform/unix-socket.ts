/** Listens on a Unix socket, and replaces the socket of an earlier daemon atomically. */
import { chmodSync, lstatSync, renameSync, unlinkSync } from 'node:fs';
import { once } from 'node:events';
import type { Server } from 'node:net';
import { ProgressError, errnoOf } from '../core/base/errors.js';

export interface BoundSocket {
  /** Whether the path still refers to this socket. */
  isBound(): boolean;
  /** Removes the path, if it refers to this socket. */
  release(): void;
}

/**
 * Listens under a unique name, then renames it to the path: closing the server, which unlinks the name that it was bound
 * to, cannot remove the socket of the next daemon. The caller holds the lock, so a socket at the path is stale.
 *
 * @throws {ProgressError} `no_permission` if something else than a socket is at the path.
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
