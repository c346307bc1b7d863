/** A certificate of our own, for servers that tests talk to over TLS. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Test } from 'tap';

export interface Certificate {
  key: Buffer;
  cert: Buffer;
  /** For whoever is to trust it. */
  file: string;
}

/** Signed by itself, for `localhost` and 127.0.0.1 unless somebody else's name is given. */
export function createCertificate(t: Test, name = 'DNS:localhost,IP:127.0.0.1'): Certificate {
  const directory = t.testdir();
  const [key, file] = [path.join(directory, 'key.pem'), path.join(directory, 'cert.pem')];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc'];
  const what = ['-x509', '-days', '2', '-subj', '/CN=test', '-addext', `subjectAltName=${name}`];
  execFileSync('openssl', ['req', ...curve, ...what, '-keyout', key, '-out', file], { stdio: 'ignore' });
  return { key: readFileSync(key), cert: readFileSync(file), file };
}
