/** Reads the secrets of channels, for each attempt again, so that they are neither stored nor stale. */
import { closeSync, constants, fstatSync, readSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import { errnoOf } from '../../core/base/errors.js';
import { NotRegularFile, openRegularSync } from '../../platform/regular-file.js';
import { failed, retry } from './undeliverable.js';

/** Bounds of a token and of a file of certificates. */
const MAX_SECRET_BYTES = 16 * 1024;
const MAX_CERTIFICATES_BYTES = 1024 * 1024;
/** Permissions of the group and of others. */
const OTHERS = 0o077;
const MASK = '***';
/** Shorter secrets may be part of a text by chance. */
const MIN_MASKED_CHARS = 4;

export interface SecretSource {
  /** Name of a variable. */
  env?: string | undefined;
  file?: string | undefined;
}

/**
 * Reads a secret; undefined when neither a variable nor a file is named. Errors name `what` it is, and never hold a part
 * of it.
 * @throws Undeliverable: permanent for a variable, which is constant while the daemon runs; a file can be repaired
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

/** Reads certificates, and adds those of Node. */
export function readAuthorities(file: string | undefined): string[] | undefined {
  if (file === undefined) return undefined;
  return [...rootCertificates, readBounded(file, `caFile: ${file}`, MAX_CERTIFICATES_BYTES, false)];
}

/** Masks secrets in a text of a server, plain and in base64. */
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
      if (isPrivate && uid !== 0 && uid !== process.getuid?.()) throw retry(`${where} belongs to another user`);
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
    throw retry(`${where} ${errno === 'ENOENT' ? 'does not exist' : `cannot be read (${errno})`}`);
  }
}
