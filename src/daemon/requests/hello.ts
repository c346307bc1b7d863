/** The request `hello`. Agrees on the protocol and says which journal this is. */
import { ProgressError } from '../../core/base/errors.js';
import { PROTOCOL_VERSION } from '../../api/messages.js';
import type { ConnectionHandler } from './request-context.js';

export const handleHello: ConnectionHandler<'hello'> = (request, connection, { version, journal }) => {
  const wanted = request.protocol ?? PROTOCOL_VERSION;
  if (wanted !== PROTOCOL_VERSION) {
    const advice = 'restart the daemon with `progress daemon restart`';
    throw new ProgressError(
      'protocol_mismatch',
      `protocol ${wanted} is not supported, the daemon has version ${PROTOCOL_VERSION}: ${advice}`,
    );
  }
  connection.acks = request.ack ?? false;
  return { protocol: PROTOCOL_VERSION, version, journal: journal.id, pid: process.pid, seq: journal.seq };
};
