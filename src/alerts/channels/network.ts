/** What went wrong on the way to a server, in words that hold nothing but its name. */
const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was closed',
  EPIPE: 'the connection was closed',
  UND_ERR_SOCKET: 'the connection was closed',
  ECONNECTION: 'the connection was closed',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'the host could not be looked up',
  EDNS: 'the host could not be looked up',
  ETIMEDOUT: 'no answer in time',
  UND_ERR_CONNECT_TIMEOUT: 'no answer in time',
  UND_ERR_HEADERS_TIMEOUT: 'no answer in time',
  UND_ERR_ABORTED: 'the proxy refused',
  ENETUNREACH: 'the network is unreachable',
  EHOSTUNREACH: 'the host is unreachable',
};

/** `code` is that of Node or of a library; those of TLS are told as they are. */
export function describeNetworkError(host: string, code: string | undefined): string {
  return `${host}: ${WORDS[code ?? ''] ?? code ?? 'it cannot be reached'}`;
}
