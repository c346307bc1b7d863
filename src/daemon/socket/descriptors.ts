/**
 * How many connections the descriptors of the process are enough for, so that a flood of some leaves room for the others.
 *
 * A part is for files, half of the rest for the socket, a quarter for each HTTP listener. So a flood on one does not
 * close another, and accept(2) does not fail. Above the limit of the socket a few connections are served as long as
 * they have requests: commands work whoever holds the rest.
 */

/** For the journal, the spool, files of sessions, notifications and the processes that are started. */
const FILES = 96;
/** Of each listener at least. */
const LEAST = 24;

/** Connections at most, with room for those that are refused. */
export interface Places {
  /** Of the daemon's socket: half of what is left beside files. */
  socket: number;
  /** Of each of the two HTTP listeners. */
  http: number;
}

export function placesWithin(limit: number): Places {
  const places = limit - FILES;
  return { socket: Math.max(LEAST, Math.floor(places / 2)), http: Math.max(LEAST, Math.floor(places / 4)) };
}
