import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Redis } from 'ioredis';

/** A new certificate, signed by itself, in a folder of its own. It names hosts as OpenSSL has it: `DNS:localhost`. */
export function createCertificate(hosts: string) {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-tls-'));
  const key = join(folder, 'key.pem');
  const cert = join(folder, 'cert.pem');
  const subject = ['-subj', '/CN=test', '-addext', `subjectAltName=${hosts}`];
  const made = ['-nodes', '-days', '1', '-keyout', key, '-out', cert];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', ...subject, ...made], { stdio: 'ignore' });
  return {
    /** What a client trusts it by. */
    ca: readFileSync(cert, 'utf8'),
    /** Makes a server that is running use it on this port. */
    async install(server: Redis, port: number): Promise<void> {
      for (const [setting, value] of [
        ['tls-cert-file', cert],
        ['tls-key-file', key],
        ['tls-ca-cert-file', cert],
        ['tls-auth-clients', 'no'],
        ['tls-port', String(port)],
      ]) {
        await server.config('SET', setting as string, value as string);
      }
    },
    remove: () => rmSync(folder, { recursive: true }),
  };
}
