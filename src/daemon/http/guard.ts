/** Whom to listen to over TCP: the checks that every request passes before anything looks at what it wants. */

/** What the checks look at. */
export interface Knock {
  method: string;
  url: string;
  httpVersion: string;
  /** Names and values in turn, as they came. */
  rawHeaders: readonly string[];
}

export interface Refusal {
  status: number;
  message: string;
}

/** Names that lead to this machine alone; the port may be that of a tunnel. */
const HOST = /^(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?$/;

/** Over a Unix socket no browser comes: only the form of the request matters. */
export function checkForm(knock: Knock): Refusal | undefined {
  const { url, httpVersion } = knock;
  if (httpVersion !== '1.1') return { status: 400, message: 'HTTP/1.1 is spoken here' };
  // an absolute form, or //host, would name a host of its own
  if (!/^\/(?!\/)/.test(url)) return { status: 400, message: 'the target must be a path' };
  if (headerValues(knock, 'host').length === 0) return { status: 400, message: 'a Host header is needed' };
  return undefined;
}

/**
 * `isDocument`: the path is that of a page, which holds nothing of anybody, so that links to it may stand anywhere.
 * The order is that of cost: a request from elsewhere never reaches what reads its body or its token.
 */
export function checkOrigin(knock: Knock, isDocument: boolean): Refusal | undefined {
  const hosts = headerValues(knock, 'host');
  const host = hosts[0]?.toLowerCase() ?? '';
  if (hosts.length !== 1 || !HOST.test(host)) return forbidden('this host name is not served');

  const origins = headerValues(knock, 'origin');
  const isSafe = knock.method === 'GET' || knock.method === 'HEAD';
  if (origins.length > 1 || (origins.length === 0 && !isSafe && isFromPage(knock))) {
    return forbidden('an origin is needed');
  }
  if (origins.length === 1 && origins[0] !== `http://${host}`) return forbidden('another origin');

  const site = headerValues(knock, 'sec-fetch-site')[0];
  if (site === undefined || site === 'same-origin') return undefined;
  const isNavigation =
    isSafe &&
    headerValues(knock, 'sec-fetch-mode')[0] === 'navigate' &&
    headerValues(knock, 'sec-fetch-dest')[0] === 'document';
  return isDocument && isNavigation ? undefined : forbidden('another site');
}

/** Browsers name the origin of what a page changes, or give themselves away by another header: other programs need not. */
function isFromPage({ rawHeaders }: Knock): boolean {
  return rawHeaders.some((field, index) => index % 2 === 0 && /^(?:referer|sec-fetch-.*)$/i.test(field));
}

/** A form, an image or a script cannot send this type without asking first, which is refused. */
export function isJson(knock: Knock): boolean {
  const types = headerValues(knock, 'content-type');
  return types.length === 1 && /^application\/json(?:; ?charset=utf-8)?$/i.test(types[0] ?? '');
}

/** The token that is shown, if one is. */
export function bearerOf(knock: Knock): string | undefined {
  const [value, another] = headerValues(knock, 'authorization');
  return another === undefined ? /^Bearer ([\w-]{1,200})$/i.exec(value ?? '')?.[1] : undefined;
}

/** Every value of a header, in whatever case its name came. */
export function headerValues({ rawHeaders }: Pick<Knock, 'rawHeaders'>, name: string): string[] {
  return rawHeaders.flatMap((field, index) =>
    index % 2 === 0 && field.toLowerCase() === name ? [rawHeaders[index + 1] ?? ''] : [],
  );
}

function forbidden(message: string): Refusal {
  return { status: 403, message };
}
