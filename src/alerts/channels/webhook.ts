/** Channel that posts alerts to a URL. */
import type { WebhookConfig } from '../../config/channel-schema.js';
import { errnoOf } from '../../core/base/errors.js';
import { VERSION } from '../../core/base/version.js';
import type { AlertChannel } from '../channel.js';
import { describeNetworkError } from './network.js';
import { readAuthorities, readSecret } from './secrets.js';
import { sign } from './signature.js';
import { failed, retry, Undeliverable, withDeadline } from './undeliverable.js';
import { buildRequest } from './webhook-body.js';

/** Statuses of a temporary refusal. */
const BUSY = new Set([408, 425, 429]);

export function createWebhook(name: string, config: WebhookConfig, env: NodeJS.ProcessEnv): AlertChannel {
  const secretOf = (what: 'url' | 'token' | 'secret') =>
    readSecret(what, { env: config[`${what}Env`], file: config[`${what}File`] }, env);

  return {
    name,
    type: config.type,
    async send(alert, signal) {
      const target = parseUrl(config.url ?? secretOf('url') ?? '');
      const [token, secret] = [secretOf('token'), secretOf('secret')];
      const ca = readAuthorities(config.caFile);
      const { url, body } = buildRequest(config.template, target, alert);
      const timestamp = Math.floor(Date.now() / 1_000);
      const headers = {
        'user-agent': `progress/${VERSION}`,
        ...lowerCase(config.headers),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        'content-type': 'application/json',
        'webhook-id': alert.id,
        'webhook-timestamp': String(timestamp),
        ...(secret !== undefined && { 'webhook-signature': sign(secret, alert.id, timestamp, body) }),
      };
      // a megabyte of code, loaded only if there is a webhook
      const { EnvHttpProxyAgent, request } = (await import('undici')).default;
      // alerts are rare, so connections are not reused
      const agent = new EnvHttpProxyAgent({ ...proxiesOf(env), ...limitsOf(config.timeout, ca) });
      try {
        const { statusCode, headers: answered } = await withDeadline(
          signal,
          config.timeout,
          url.host,
          async (inner) => {
            const reply = await request(url, { method: 'POST', headers, body, dispatcher: agent, signal: inner });
            // the body is not read; it is discarded with the connection
            reply.body.on('error', () => undefined);
            return reply;
          },
        );
        checkStatus(url.host, statusCode, answered['retry-after']);
        return { outcome: 'sent' };
      } catch (error) {
        throw describe(url.host, error);
      } finally {
        await agent.destroy();
      }
    },
  };
}

/** Parses the URL. Errors hold no part of it, since it may be secret. */
function parseUrl(text: string): URL {
  if (!URL.canParse(text)) throw failed('the URL is invalid');
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw failed('the URL must start with http or https');
  if (url.username !== '' || url.password !== '') throw failed('the URL contains a user or password; use a token');
  return url;
}

/** Lower-cases names, so that the headers of progress replace configured ones. */
function lowerCase(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

/** Empty values keep undici from reading the environment of this process. */
function proxiesOf(env: NodeJS.ProcessEnv) {
  const variable = (name: string) => env[name] ?? env[name.toUpperCase()] ?? '';
  return { httpProxy: variable('http_proxy'), httpsProxy: variable('https_proxy'), noProxy: variable('no_proxy') };
}

/** Each limit is the whole timeout, which `withDeadline` enforces. */
function limitsOf(timeout: number, ca: string[] | undefined) {
  const tls = ca && { ca };
  return {
    connect: { timeout, ...tls },
    headersTimeout: timeout,
    bodyTimeout: timeout,
    ...(tls && { requestTls: tls, proxyTls: tls }),
  };
}

function checkStatus(host: string, status: number, retryAfter: string | string[] | undefined): void {
  const answer = `${host} answered with ${status}`;
  if (status >= 200 && status < 300) return;
  if (status >= 300 && status < 400) throw failed(`${answer}: redirects are not followed`);
  if (status >= 500 || BUSY.has(status)) throw retry(answer, parseAfter(retryAfter));
  throw failed(answer);
}

/** Parses seconds or a date to milliseconds, which `backOff` limits. */
function parseAfter(header: string | string[] | undefined): number | undefined {
  const text = String(header ?? '').trim();
  const ms = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(ms, 0);
}

function describe(host: string, error: unknown): Undeliverable {
  if (error instanceof Undeliverable) return error;
  const code = errnoOf(error) ?? errnoOf(error instanceof Error ? error.cause : undefined);
  const isRequestWrong = code === 'UND_ERR_INVALID_ARG' || code === 'UND_ERR_NOT_SUPPORTED';
  return isRequestWrong ? failed('the headers cannot be sent') : retry(describeNetworkError(host, code));
}
