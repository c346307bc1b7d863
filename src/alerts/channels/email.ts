/** Channel that sends alerts as email over SMTP. */
import type { EmailConfig } from '../../config/channel-schema.js';
import type { AlertChannel } from '../channel.js';
import { toSingleLine } from '../single-line.js';
import { buildMessage } from './email-message.js';
import { describeNetworkError } from './network.js';
import { readAuthorities, readSecret, redact } from './secrets.js';
import { failed, retry, Undeliverable, withDeadline } from './undeliverable.js';

/** Bound of a reply of the server in an error. */
const REPLY_CHARS = 200;

/** Error of nodemailer. */
interface SmtpError extends Error {
  code?: string | undefined;
  /** Code before nodemailer replaced it. */
  originalCode?: string | undefined;
  /** Reply of the server, and whether it is permanent. */
  response?: string | undefined;
  permanent?: boolean | undefined;
  command?: string | undefined;
  recipient?: string | undefined;
  rejectedErrors?: readonly SmtpError[] | undefined;
}

/** Codes without a reply that the configuration causes; all others are network errors. */
const PERMANENT = new Set(['EAUTH', 'ENOAUTH', 'EENVELOPE', 'ECONFIG', 'EMESSAGE']);

export function createEmail(name: string, config: EmailConfig, env: NodeJS.ProcessEnv): AlertChannel {
  /** Recipients that an alert has not reached yet; the others are not sent it again. */
  let partial: { id: string; left: readonly string[] } | undefined;

  return {
    name,
    type: config.type,
    async send(alert, signal) {
      const password = readSecret('password', { env: config.passwordEnv, file: config.passwordFile }, env);
      // a server may repeat what it received; AUTH PLAIN encodes user and password as one word
      const secrets = password === undefined ? [] : [password, `\0${config.user ?? ''}\0${password}`];
      const options = connectionOptions(config, password, readAuthorities(config.caFile));
      const to = partial?.id === alert.id ? partial.left : config.to;
      // loaded only if there is such a channel
      const { createTransport } = await import('nodemailer');
      const refused = await withDeadline(signal, config.timeout, config.host, async (inner) => {
        const message = { ...buildMessage(config.from, alert), from: config.from, to: [...config.to], signal: inner };
        const envelope = { from: config.from, to: [...to] };
        const { rejectedErrors = [] } = await createTransport(options).sendMail({ ...message, envelope });
        return rejectedErrors;
      }).catch((error: unknown) => {
        if (isSmtpError(error) && error.rejectedErrors) return error.rejectedErrors;
        throw describe(config.host, error, secrets);
      });
      const left = refused.filter(({ permanent }) => permanent === false);
      partial =
        left.length === 0 ? undefined : { id: alert.id, left: left.flatMap(({ recipient }) => recipient ?? []) };
      const [first] = left.length === 0 ? refused : left;
      if (first === undefined) return { outcome: 'sent' };
      const message = `${config.host} refused ${refused.length} of ${to.length}: ${replyOf(first, secrets)}`;
      throw left.length === 0 ? failed(message) : retry(message);
    },
  };
}

function connectionOptions(config: EmailConfig, pass: string | undefined, ca: string[] | undefined) {
  const { host, port, security, user, timeout } = config;
  return {
    host,
    port,
    secure: security === 'tls',
    requireTLS: security === 'starttls',
    ignoreTLS: security === 'none',
    ...(user !== undefined && { auth: { user, pass }, forceAuth: true }),
    ...(ca && { tls: { ca } }),
    dnsTimeout: timeout,
    connectionTimeout: timeout,
    greetingTimeout: timeout,
    socketTimeout: timeout,
    // a message has texts only, which must not refer to files or URLs
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

function isSmtpError(error: unknown): error is SmtpError {
  return error instanceof Error;
}

function describe(host: string, error: unknown, secrets: readonly string[]): Undeliverable {
  if (error instanceof Undeliverable) return error;
  if (!isSmtpError(error)) return retry(describeNetworkError(host, undefined));
  const { code = '', originalCode, response, permanent, command } = error;
  const isPermanent = response === undefined ? PERMANENT.has(code) : permanent;
  if (response === undefined && !isPermanent) return retry(describeNetworkError(host, originalCode ?? code));
  const message = `${host}: ${replyOf(error, secrets)}${command === undefined ? '' : ` (${command})`}`;
  return isPermanent ? failed(message) : retry(message);
}

/** Reply of the server, else the message of nodemailer. */
function replyOf({ response, message }: SmtpError, secrets: readonly string[]): string {
  return toSingleLine(redact(response ?? message, secrets), REPLY_CHARS);
}
