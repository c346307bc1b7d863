/** What channels need and nobody may see: read anew for each attempt, so that it is neither kept nor stale. */
import { closeSync, constants, fstatSync, readSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import { errnoOf } from '../../core/errors.js';
import { NotRegularFile, openRegularSync } from '../../platform/regular-file.js';
import { failed, retry } from './undeliverable.js';

/** A token has a line; certificates of authorities may be many. */
const MAX_SECRET_BYTES = 16 * 1024;
const MAX_CERTIFICATES_BYTES = 1024 * 1024;
/** Of the group and of all others. */
const OTHERS = 0o077;
const MASK = '***';
/** What is shorter may stand in a text by chance. */
const MIN_MASKED_CHARS = 4;

export interface SecretSource {
  /** The name of a variable. */
  env?: string | undefined;
  file?: string | undefined;
}

/**
 * Undefined where neither a variable nor a file is named; `what` it is stands in the messages, which never hold a part
 * of it. Throws Undeliverable: a variable stays as it is as long as the daemon runs, a file may be mended at any time.
 */
export function readSecret(what: string, source: SecretSource, env: NodeJS.ProcessEnv): string | undefined {
  if (source.env !== undefined) {
    const value = env[source.env]?.trim();
    if (!value) throw failed(`${what}: the daemon was started without the variable ${source.env}`);
    if (!isLine(value)) throw failed(`${what}: the variable ${source.env} holds more than one line`);
    return value;
  }
  if (source.file === undefined) return undefined;
  const where = `${what}: ${source.file}`;
  const value = readBounded(source.file, where, MAX_SECRET_BYTES, true).trim();
  if (value === '') throw retry(`${where} is empty`);
  if (!isLine(value)) throw retry(`${where} holds more than one line`);
  return value;
}

/** The certificates in `file`, and those that Node knows itself. */
export function readAuthorities(file: string | undefined): string[] | undefined {
  if (file === undefined) return undefined;
  return [...rootCertificates, readBounded(file, `caFile: ${file}`, MAX_CERTIFICATES_BYTES, false)];
}

/** Takes secrets out of what somebody else has said, as they are and as they go over the wire. */
export function redact(text: string, secrets: readonly string[]): string {
  const long = secrets.filter((secret) => secret.length >= MIN_MASKED_CHARS);
  const forms = long.flatMap((secret) => [secret, Buffer.from(secret).toString('base64')]);
  return forms.reduce((masked, form) => masked.replaceAll(form, MASK), text);
}

function isLine(value: string): boolean {
  return !/\p{Cc}/u.test(value);
}

function readBounded(file: string, where: string, maxBytes: number, isPrivate: boolean): string {
  try {
    const descriptor = openRegularSync(file, constants.O_RDONLY);
    try {
      const { mode, uid, size } = fstatSync(descriptor);
      if (isPrivate && (mode & OTHERS) !== 0) throw retry(`${where} can be read by others: chmod 600`);
      if (isPrivate && uid !== 0 && uid !== process.getuid?.()) throw retry(`${where} belongs to somebody else`);
      if (size > maxBytes) throw retry(`${where} is longer than ${maxBytes} bytes`);
      const buffer = Buffer.alloc(size);
      return buffer.subarray(0, readSync(descriptor, buffer)).toString();
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    if (error instanceof NotRegularFile) throw retry(`${where} is not a regular file`);
    const errno = errnoOf(error);
    if (errno === undefined) throw error;
    throw retry(`${where} ${errno === 'ENOENT' ? 'is not there' : `cannot be read (${errno})`}`);
  }
}
