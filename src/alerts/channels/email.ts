/** A channel that sends alerts as messages over SMTP. */
import type { EmailConfig } from '../../config/channel-schema.js';
import type { AlertChannel } from '../channel.js';
import { toSingleLine } from '../single-line.js';
import { buildMessage } from './email-message.js';
import { describeNetworkError } from './network.js';
import { readAuthorities, readSecret, redact } from './secrets.js';
import { failed, retry, Undeliverable, withDeadline } from './undeliverable.js';

/** Of what a server says. */
const REPLY_CHARS = 200;

/** What nodemailer says of an error. */
interface SmtpError extends Error {
  code?: string | undefined;
  /** What it was before nodemailer gave it its own. */
  originalCode?: string | undefined;
  /** The server's own words, and whether it will say them again another time. */
  response?: string | undefined;
  permanent?: boolean | undefined;
  command?: string | undefined;
  recipient?: string | undefined;
  rejectedErrors?: readonly SmtpError[] | undefined;
}

/** Where the server has said nothing: these come from the configuration, all others from the way to it. */
const LASTING = new Set(['EAUTH', 'ENOAUTH', 'EENVELOPE', 'ECONFIG', 'EMESSAGE']);

export function createEmail(name: string, config: EmailConfig, env: NodeJS.ProcessEnv): AlertChannel {
  /** Whom the alert of this id has not reached yet: who has taken it is not sent it again. */
  let partly: { id: string; left: readonly string[] } | undefined;

  return {
    name,
    type: config.type,
    async send(alert, signal) {
      const password = readSecret('password', { env: config.passwordEnv, file: config.passwordFile }, env);
      // a server may repeat what it was told, and how: that of AUTH PLAIN is one word
      const secrets = password === undefined ? [] : [password, `\0${config.user ?? ''}\0${password}`];
      const options = connectionOptions(config, password, readAuthorities(config.caFile));
      const to = partly?.id === alert.id ? partly.left : config.to;
      // loaded by those who have such a channel
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
      partly = left.length === 0 ? undefined : { id: alert.id, left: left.flatMap(({ recipient }) => recipient ?? []) };
      const [first] = left.length === 0 ? refused : left;
      if (first === undefined) return { outcome: 'sent' };
      const said = `${config.host} refused ${refused.length} of ${to.length}: ${wordsOf(first, secrets)}`;
      throw left.length === 0 ? failed(said) : retry(said);
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
    // a message is made of texts, and of nothing that a text could name
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
  const isLasting = response === undefined ? LASTING.has(code) : permanent;
  if (response === undefined && !isLasting) return retry(describeNetworkError(host, originalCode ?? code));
  const said = `${host}: ${wordsOf(error, secrets)}${command === undefined ? '' : ` (${command})`}`;
  return isLasting ? failed(said) : retry(said);
}

/** Of the server, else of nodemailer. */
function wordsOf({ response, message }: SmtpError, secrets: readonly string[]): string {
  return toSingleLine(redact(response ?? message, secrets), REPLY_CHARS);
}
