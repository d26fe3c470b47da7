import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { testServer } from '@switchyard/test-servers';
import { expect, it, vi } from 'vitest';
import { startProgram } from '../../standalone/test/start-program.ts';
import { freePort } from './free-port.ts';

/** A configuration file that is read after the example's own. */
function configFile(backend: object): { path: string } & Disposable {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-example-'));
  const path = join(folder, 'app-config.more.yaml');
  writeFileSync(path, JSON.stringify({ backend }));
  return { path, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) };
}

/** What names another store and where it is, and nothing else. */
const STORES: Readonly<Record<string, () => Promise<{ queue: { defaultStore: string } }>>> = {
  async Redis() {
    const redis = { connection: (await testServer('redis')).url, keyPrefix: `example-${randomUUID()}` };
    return { queue: { defaultStore: 'redis', redis } };
  },
  async PostgreSQL() {
    const postgres = { connection: (await testServer('postgres')).url, schema: `example_${Date.now()}` };
    return { queue: { defaultStore: 'postgres', postgres } };
  },
  async 'the database that Backstage itself uses'() {
    const { address } = await testServer('postgres');
    const connection = { ...address, user: 'postgres', database: 'postgres' };
    const database = { client: 'pg', connection, pluginDivisionMode: 'schema' };
    return { database, queue: { defaultStore: 'postgres', postgres: { connection } } };
  },
  async SQS() {
    const { url: endpoint } = await testServer('sqs');
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
    const sqs = { endpoint, region: 'elasticmq', credentials, queueNamePrefix: `example-${Date.now()}` };
    return { queue: { defaultStore: 'sqs', sqs } };
  },
  async Kafka() {
    const kafka = { brokers: [(await testServer('kafka')).url], topicPrefix: `example-${Date.now()}` };
    return { queue: { defaultStore: 'kafka', kafka } };
  },
};

const folder = fileURLToPath(new URL('..', import.meta.url));

async function startBackend(...configs: string[]) {
  const port = await freePort();
  const files = ['app-config.yaml', ...configs].flatMap(file => ['--config', file]);
  const program = startProgram(folder, ['src/index.ts', ...files], { PORT: String(port) });
  const url = `http://127.0.0.1:${port}/api`;
  return Object.assign(program, {
    async ready() {
      await program.prints('Plugin initialization complete');
    },
    async get(path: string) {
      const response = await fetch(url + path);
      return { status: response.status, body: await response.json() };
    },
    async post(path: string, body: unknown) {
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) });
      return { status: response.status, body: await response.json() };
    },
  });
}

it(
  'runs the jobs added at the start: by priority, after their delay, until attempts are used up',
  { timeout: 90_000 },
  async () => {
    await using backend = await startBackend();
    await backend.prints('A simple report: finished');
    await backend.prints('A report in three seconds: finished');
    await backend.prints('A report that always fails: given up after 3 attempts');
    const started = [...backend.output().matchAll(/(A.* report.*): attempt (\d) started/g)].map(
      ([, title, n]) => `${title} ${n}`,
    );
    expect(started[0]).toBe('An urgent report 1');
    expect(started.indexOf('A simple report 1')).toBeLessThan(started.indexOf('An unimportant report 1'));
    expect(started.filter(line => line.startsWith('A report that always fails'))).toHaveLength(3);
  },
);

it.each(Object.keys(STORES))('does the same with its jobs in %s', { timeout: 90_000 }, async name => {
  const backendConfig = await STORES[name]!();
  using config = configFile(backendConfig);
  await using backend = await startBackend(config.path);
  await backend.prints('A simple report: finished');
  await backend.prints('A report in three seconds: finished');
  await backend.prints('A report that always fails: given up after 3 attempts');
  expect((await backend.get('/jobs-demo/health')).body).toMatchObject({
    healthy: true,
    queues: [{ name: 'reports', store: backendConfig.queue.defaultStore, state: 'running' }],
  });
  await backend.post('/jobs-producer/audit', { action: 'login' });
  backend.terminate();
  expect(await backend.exit).toEqual({ code: 0, signal: null });

  // What nobody has processed outlives the backend.
  await using again = await startBackend(config.path);
  await again.ready();
  expect(await again.get('/jobs-producer/audit/count')).toEqual({ status: 200, body: { count: 1 } });
});

it('offers adding, counting, results and health over HTTP', { timeout: 90_000 }, async () => {
  await using backend = await startBackend();
  await backend.ready();

  const added = await backend.post('/jobs-demo/jobs', { title: 'Taxes', takesMs: 1 });
  expect(added).toEqual({ status: 202, body: { id: expect.any(String) } });
  await backend.prints('Taxes: finished');
  expect((await backend.get('/jobs-demo/reports')).body).toContainEqual({
    title: 'Taxes',
    text: 'Everything about Taxes',
  });

  await backend.post('/jobs-demo/jobs', { title: 'Next year', delay: 3_600_000 });
  await vi.waitFor(
    async () => expect(await backend.get('/jobs-demo/jobs/count')).toEqual({ status: 200, body: { count: 1 } }),
    { timeout: 30_000, interval: 200 },
  );

  const refused = await backend.post('/jobs-demo/jobs', { title: 'Yesterday', delay: -1 });
  expect(refused).toEqual({ status: 400, body: { error: expect.stringContaining('delay is -1') } });

  const health = await backend.get('/jobs-demo/health');
  expect(health.status).toBe(200);
  expect(health.body).toMatchObject({
    healthy: true,
    queues: [{ name: 'reports', store: 'memory', state: 'running' }],
  });
});

it('keeps the jobs of a plugin that only adds', { timeout: 90_000 }, async () => {
  await using backend = await startBackend();
  await backend.ready();
  await backend.post('/jobs-producer/audit', { action: 'login' });
  await backend.post('/jobs-producer/audit', { action: 'logout' });
  expect(await backend.get('/jobs-producer/audit/count')).toEqual({ status: 200, body: { count: 2 } });
});

it('lets a running job finish and use the database after SIGTERM, then exits with 0', { timeout: 90_000 }, async () => {
  await using backend = await startBackend();
  await backend.ready();
  await backend.post('/jobs-demo/jobs', { title: 'Last one', takesMs: 3000, priority: 0 });
  await backend.prints('Last one: attempt 1 started');
  backend.terminate();
  expect(await backend.exit).toEqual({ code: 0, signal: null });
  expect(backend.output()).toContain('Last one: finished, saved in the database');
});
