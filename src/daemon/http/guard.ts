/** Checks that every request must pass before a route handles it. */

/** The parts of a request that the checks need. */
export interface RequestHead {
  method: string;
  url: string;
  httpVersion: string;
  /** Names and values in turn, as received. */
  rawHeaders: readonly string[];
}

export interface Refusal {
  status: number;
  message: string;
}

/** Host names that always mean this machine; the port may be that of a tunnel. */
const HOST = /^(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?$/;

/** Checks the form of a request. Over the Unix socket, which no browser can use, this is the only check. */
export function checkForm(head: RequestHead): Refusal | undefined {
  const { url, httpVersion } = head;
  if (httpVersion !== '1.1') return { status: 400, message: 'only HTTP/1.1 is supported' };
  // an absolute URL, or //host, would name another host
  if (!/^\/(?!\/)/.test(url)) return { status: 400, message: 'the target must be a path' };
  if (headerValues(head, 'host').length === 0) return { status: 400, message: 'a Host header is required' };
  return undefined;
}

/**
 * Checks host, origin and site. The order is that of cost: a request from another site is refused before its body or
 * token is read.
 *
 * @param isDocument the path is that of a page: it holds no data, so any site may link to it
 */
export function checkOrigin(head: RequestHead, isDocument: boolean): Refusal | undefined {
  const hosts = headerValues(head, 'host');
  const host = hosts[0]?.toLowerCase() ?? '';
  if (hosts.length !== 1 || !HOST.test(host)) return forbidden('this host name is not served');

  const origins = headerValues(head, 'origin');
  const isSafe = head.method === 'GET' || head.method === 'HEAD';
  if (origins.length > 1 || (origins.length === 0 && !isSafe && isFromPage(head))) {
    return forbidden('an Origin header is required');
  }
  if (origins.length === 1 && origins[0] !== `http://${host}`) return forbidden('the origin is not this host');

  const site = headerValues(head, 'sec-fetch-site')[0];
  if (site === undefined || site === 'same-origin') return undefined;
  const isNavigation =
    isSafe &&
    headerValues(head, 'sec-fetch-mode')[0] === 'navigate' &&
    headerValues(head, 'sec-fetch-dest')[0] === 'document';
  return isDocument && isNavigation ? undefined : forbidden('requests from other sites are refused');
}

/** Whether a page has sent a request without Origin: Referer and Sec-Fetch headers come from browsers. */
function isFromPage({ rawHeaders }: RequestHead): boolean {
  return rawHeaders.some((field, index) => index % 2 === 0 && /^(?:referer|sec-fetch-.*)$/i.test(field));
}

/** Forms, images and scripts of other sites cannot send this type without a preflight request, which is refused. */
export function isJson(head: RequestHead): boolean {
  const types = headerValues(head, 'content-type');
  return types.length === 1 && /^application\/json(?:; ?charset=utf-8)?$/i.test(types[0] ?? '');
}

/** The bearer token of a request. */
export function bearerOf(head: RequestHead): string | undefined {
  const [value, another] = headerValues(head, 'authorization');
  return another === undefined ? /^Bearer ([\w-]{1,200})$/i.exec(value ?? '')?.[1] : undefined;
}

/** All values of a header; its name is case-insensitive. */
export function headerValues({ rawHeaders }: Pick<RequestHead, 'rawHeaders'>, name: string): string[] {
  return rawHeaders.flatMap((field, index) =>
    index % 2 === 0 && field.toLowerCase() === name ? [rawHeaders[index + 1] ?? ''] : [],
  );
}

function forbidden(message: string): Refusal {
  return { status: 403, message };
}
