/** Signs webhooks by Standard Webhooks (https://www.standardwebhooks.com). */
import { createHmac } from 'node:crypto';
import { failed } from './undeliverable.js';

const PREFIX = 'whsec_';

/** @param timestamp - in seconds. @returns the header `webhook-signature`. @throws Undeliverable for an invalid secret */
export function sign(secret: string, id: string, timestamp: number, body: string): string {
  const base64 = secret.startsWith(PREFIX) ? secret.slice(PREFIX.length) : secret;
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) throw failed(`the secret is invalid; it must be ${PREFIX} and base64`);
  const hmac = createHmac('sha256', Buffer.from(base64, 'base64'));
  return `v1,${hmac.update(`${id}.${timestamp}.${body}`).digest('base64')}`;
}
