/**
 * Divides the file descriptors of the process between files and listeners.
 *
 * A part is reserved for files, half of the rest for the socket, a quarter for each HTTP listener. So a flood of
 * connections on one listener does not starve another, and accept(2) does not fail. Above the bound of the socket a few
 * connections are served while they have requests, so that commands work whatever holds the others open.
 */

/** For journal, spool, session files, notifications and child processes. */
const FILES = 96;
/** Least number for each listener. */
const LEAST = 24;

/** Upper bounds of connections, refused ones included. */
export interface Places {
  /** Of the daemon's socket. */
  socket: number;
  /** Of each of the two HTTP listeners. */
  http: number;
}

export function placesWithin(limit: number): Places {
  const places = limit - FILES;
  return { socket: Math.max(LEAST, Math.floor(places / 2)), http: Math.max(LEAST, Math.floor(places / 4)) };
}
