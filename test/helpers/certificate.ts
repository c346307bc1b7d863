/** A certificate for TLS servers of tests. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Test } from 'tap';

export interface Certificate {
  key: Buffer;
  cert: Buffer;
  /** PEM file for clients that trust it. */
  file: string;
}

/** Creates a self-signed certificate, for `localhost` and 127.0.0.1 unless another name is given. */
export function createCertificate(t: Test, name = 'DNS:localhost,IP:127.0.0.1'): Certificate {
  const directory = t.testdir();
  const [key, file] = [path.join(directory, 'key.pem'), path.join(directory, 'cert.pem')];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc'];
  const what = ['-x509', '-days', '2', '-subj', '/CN=test', '-addext', `subjectAltName=${name}`];
  execFileSync('openssl', ['req', ...curve, ...what, '-keyout', key, '-out', file], { stdio: 'ignore' });
  return { key: readFileSync(key), cert: readFileSync(file), file };
}
