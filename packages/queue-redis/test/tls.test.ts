import { freePort, ownServer } from '@switchyard/test-servers';
import { Redis } from 'ioredis';
import { afterAll, expect, it } from 'vitest';
import { createCertificate } from './certificate.ts';
import { IN_TIME, newJob, openStore, reserve } from './open-store.ts';

const certificate = createCertificate('DNS:localhost,IP:127.0.0.1');
afterAll(() => certificate.remove());
const server = await ownServer('redis', { persistence: 'everysec' });
afterAll(() => server.remove());

const port = await freePort();
const admin = new Redis(server.url);
afterAll(() => admin.disconnect());
await certificate.install(admin, port);
// From here on only TLS leads in.
await admin.config('SET', 'port', '0');

const { ca } = certificate;

it.each([
  ['a URL with rediss', `rediss://127.0.0.1:${port}`, { ca }],
  ['the name in the certificate', `rediss://localhost:${port}`, { ca }],
  ['settings beside a URL without it', `redis://127.0.0.1:${port}`, { ca }],
  ['no authority, where none is wanted', `rediss://127.0.0.1:${port}`, { rejectUnauthorized: false }],
])('jobs come through TLS by %s', async (_, connection, tls) => {
  await using scene = await openStore({ connection, tls });
  const waiting = reserve(scene.queue, { waitMs: 5000 });
  await scene.queue.enqueue([newJob()], IN_TIME);
  expect(await waiting).toHaveLength(1);
});

it('a server whose authority is unknown is refused by name', async () => {
  await expect(openStore({ connection: `rediss://127.0.0.1:${port}` })).rejects.toThrow('self-signed certificate');
});

it('a server that is not the one in its certificate is refused by name', async () => {
  const connection = `rediss://127.0.0.1:${port}`;
  await expect(openStore({ connection, tls: { ca, servername: 'other.example' } })).rejects.toThrow(
    "does not match certificate's altnames",
  );
});

it('nobody comes in without TLS', async () => {
  await expect(openStore({ connection: server.url })).rejects.toThrow('ECONNREFUSED');
});
