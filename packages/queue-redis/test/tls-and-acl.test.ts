import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, ownServer } from '@switchyard/test-servers';
import { Redis } from 'ioredis';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { classify } from '../src/classify.ts';
import { IN_TIME, newJob, openStore, reserve } from './open-store.ts';

/** As the package's README has it. */
const [, RIGHTS = ''] =
  /ACL SETUSER switchyard on >password (.*)/.exec(readFileSync(new URL('../README.md', import.meta.url), 'utf8')) ?? [];

describe('a user with an ACL', async () => {
  const server = await ownServer('redis', { persistence: 'everysec' });
  afterAll(() => server.remove());
  const admin = new Redis(server.url);
  afterAll(() => admin.disconnect());
  const as = (user: string, password = 'password') => server.url.replace('redis://', `redis://${user}:${password}@`);
  const setUser = (name: string, rights: string) =>
    admin.call('ACL', 'SETUSER', name, 'on', '>password', ...rights.split(' '));

  it('needs no more rights than the documentation says', async () => {
    await setUser('switchyard', RIGHTS);
    await using scene = await openStore({ connection: as('switchyard'), keyPrefix: 'switchyard' });
    const { queue } = scene;
    const waiting = reserve(queue, { waitMs: 5000 });
    await queue.enqueue([newJob(), newJob({ delayMs: 10 })], IN_TIME);
    const [delivery] = await waiting;
    expect(await queue.extend([delivery!.receipt], 1000, IN_TIME)).toEqual([{ ok: true }]);
    await queue.settle([{ kind: 'retry', receipt: delivery!.receipt, delayMs: 0, note: 'n' }], IN_TIME);
    expect(await queue.counts()).toMatchObject({ active: 0 });
    expect(scene.reports).toEqual([]);
  });

  it('that may not use the channels still gets its jobs, and the operator is told what to allow', async () => {
    await setUser('deaf', RIGHTS.replace(/ &\S+/, ' resetchannels'));
    await using scene = await openStore({ connection: as('deaf'), keyPrefix: 'switchyard' });
    const { store } = scene;
    const queue = await store.open({ plugin: 'test', name: 'deaf' });
    const waiting = reserve(queue, { waitMs: 10_000 });
    await vi.waitFor(() => expect(scene.reports.map(({ code }) => code)).toContain('wake-up-denied'));
    await queue.enqueue([newJob()], IN_TIME);
    expect(await waiting).toHaveLength(1);
    expect(scene.reports.find(({ code }) => code === 'wake-up-denied')?.message).toContain('ACL SETUSER');
  });

  it('that may not touch the keys is denied, and so is a wrong password', async () => {
    await setUser('elsewhere', RIGHTS.replace('~switchyard:*', '~other:*'));
    await using scene = await openStore({ connection: as('elsewhere'), keyPrefix: 'switchyard' });
    const refused = await scene.queue.enqueue([newJob()], IN_TIME).catch((error: unknown) => error);
    expect(classify(refused)).toBe('denied');
    const rejected = await openStore({ connection: as('switchyard', 'wrong') }).catch((error: unknown) => error);
    expect(classify(rejected)).toBe('denied');
  });
});

describe('a server with TLS', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-tls-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const file = (name: string) => join(folder, name);
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  const made = ['-keyout', file('key.pem'), '-out', file('cert.pem')];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', ...subject, ...made], {
    stdio: 'ignore',
  });
  const tlsPort = await freePort();
  const certificates = ['--tls-cert-file', file('cert.pem'), '--tls-key-file', file('key.pem')];
  const server = await ownServer('redis', {
    persistence: 'everysec',
    args: [
      '--tls-port',
      String(tlsPort),
      ...certificates,
      '--tls-ca-cert-file',
      file('cert.pem'),
      '--tls-auth-clients',
      'no',
    ],
  });
  afterAll(() => server.remove());
  const connection = `rediss://127.0.0.1:${tlsPort}`;

  it('is trusted by the certificate of its authority', async () => {
    await using scene = await openStore({ connection, tls: { ca: readFileSync(file('cert.pem'), 'utf8') } });
    const { queue } = scene;
    const waiting = reserve(queue, { waitMs: 5000 });
    await queue.enqueue([newJob()], IN_TIME);
    expect(await waiting).toHaveLength(1);
  });

  it('is refused without it', async () => {
    await expect(openStore({ connection })).rejects.toThrow('self-signed certificate');
  });
});
