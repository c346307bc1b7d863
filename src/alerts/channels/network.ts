/** Texts of network errors, which hold only the name of the server. */
const TEXTS: Readonly<Record<string, string>> = {
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

/** @param code - of Node or of a library; codes of TLS are used unchanged */
export function describeNetworkError(host: string, code: string | undefined): string {
  return `${host}: ${TEXTS[code ?? ''] ?? code ?? 'it cannot be reached'}`;
}
