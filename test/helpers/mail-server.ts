/** A mail server that records its mails. */
import type { Test } from 'tap';
import { SMTPServer } from 'smtp-server';
import type { Certificate } from './certificate.js';
import { listen } from './target.js';

export interface Mail {
  from: string;
  to: string[];
  /** The raw text. */
  raw: string;
  /** Fields of its header, by their names in lower case, unfolded. */
  headers: Record<string, string>;
  text: string;
  isEncrypted: boolean;
  user: string | undefined;
}

export interface MailServer {
  port: number;
  /** So far, the oldest first. */
  mails: Mail[];
}

export interface MailServerOptions {
  certificate?: Certificate;
  /** Use TLS from the first byte on. */
  secure?: boolean;
  /** Credentials that it requires, if any. */
  password?: string;
  /** Returns `502 ...` to refuse a recipient; undefined accepts it. */
  refuse?: (recipient: string) => string | undefined;
  /** Reply to the message. */
  answer?: () => string | undefined;
  without?: ('STARTTLS' | 'AUTH')[];
}

export async function startMailServer(t: Test, options: MailServerOptions = {}): Promise<MailServer> {
  const { certificate, secure = false, password, refuse, answer, without = [] } = options;
  const mails: Mail[] = [];
  const server = new SMTPServer({
    ...certificate,
    secure,
    authOptional: password === undefined,
    allowInsecureAuth: certificate === undefined,
    disabledCommands: [...without, ...(certificate ? [] : (['STARTTLS'] as const))],
    onAuth({ username, password: given }, _session, done) {
      if (given === password) done(null, { user: username ?? '' });
      else done(reply(`535 5.7.8 ${given ?? ''} is no password`));
    },
    onRcptTo({ address }, _session, done) {
      const refusal = refuse?.(address);
      done(refusal === undefined ? null : reply(refusal));
    },
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope;
        const refusal = answer?.();
        if (refusal !== undefined) return done(reply(refusal));
        mails.push({
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          ...parse(Buffer.concat(chunks).toString()),
          isEncrypted: session.secure,
          user: session.user as string | undefined,
        });
        done(null);
      });
    },
  });
  server.on('error', () => undefined); // clients that go away
  const { port } = await listen(t, server.server);
  return { port, mails };
}

function reply(text: string): Error {
  return Object.assign(new Error(text.slice(4)), { responseCode: Number(text.slice(0, 3)) });
}

function parse(raw: string): Pick<Mail, 'raw' | 'headers' | 'text'> {
  const [head = '', ...rest] = raw.split('\r\n\r\n');
  const lines = head.replace(/\r\n[ \t]+/g, ' ').split('\r\n');
  const headers = lines.map((line): [string, string] => {
    const at = line.indexOf(':');
    return [line.slice(0, at).toLowerCase(), decodeWords(line.slice(at + 1).trim())];
  });
  const named = Object.fromEntries(headers);
  return { raw, headers: named, text: decode(rest.join('\r\n\r\n'), named['content-transfer-encoding']) };
}

/** RFC 2047. */
function decodeWords(text: string): string {
  return text
    .replace(/\?= +=\?/g, '?==?')
    .replace(/=\?utf-8\?([QB])\?([^?]*)\?=/gi, (_, kind: string, word: string) =>
      kind.toUpperCase() === 'B' ? Buffer.from(word, 'base64').toString('latin1') : unquote(word.replaceAll('_', ' ')),
    )
    .replace(/[\x80-\xff]+/g, (bytes) => Buffer.from(bytes, 'latin1').toString());
}

function decode(text: string, encoding = '7bit'): string {
  const bytes =
    encoding === 'base64'
      ? Buffer.from(text, 'base64')
      : Buffer.from(encoding === 'quoted-printable' ? unquote(text.replace(/=\r\n/g, '')) : text, 'latin1');
  return bytes.toString().replaceAll('\r\n', '\n');
}

function unquote(text: string): string {
  return text.replace(/=([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
}
