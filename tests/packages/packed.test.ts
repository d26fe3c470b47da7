import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const PUBLISHED = ['queue-api', 'queue-memory', 'queue-service'];

const ESM = `
import { createQueueService } from '@switchyard/queue-service';

const service = createQueueService();
const queue = await service.getQueue('emails');
const done = new Promise(resolve => queue.on('completed', resolve));
queue.process(async job => console.log('sent to', job.payload.to));
await queue.add({ to: 'ada@example.com' });
await done;
await service.close();
`;

const CJS = `
const { createQueueService } = require('@switchyard/queue-service');
const { isQueueError } = require('@switchyard/queue-api');

async function main() {
  const service = createQueueService();
  const queue = await service.getQueue('emails');
  const done = new Promise(resolve => queue.on('completed', resolve));
  queue.process(async job => console.log('sent to', job.payload.to));
  await queue.add({ to: 'ada@example.com' });
  await done;
  const refused = await queue.add(undefined).catch(error => error);
  console.log('refused with', isQueueError(refused, 'invalid-payload'));
  await service.close();
}
main();
`;

const MIXED = `
import { createRequire } from 'node:module';
import { isQueueError } from '@switchyard/queue-api';

const { createQueueService } = createRequire(import.meta.url)('@switchyard/queue-service');
const service = createQueueService();
const queue = await service.getQueue('emails');
const error = await queue.add(() => {}).catch(thrown => thrown);
console.log('recognised across builds:', isQueueError(error, 'invalid-payload'));
await service.close();
`;

describe('an application outside this repository that installs the packed packages', () => {
  let app: string;

  beforeAll(async () => {
    app = await mkdtemp(join(tmpdir(), 'switchyard-app-'));
    for (const name of PUBLISHED) {
      await run('npm', ['pack', '--silent', '--pack-destination', app], { cwd: join('packages', name) });
    }
    const tarballs = (await readdir(app)).filter(file => file.endsWith('.tgz'));
    await writeFile(join(app, 'package.json'), JSON.stringify({ name: 'app', private: true }));
    await run('npm', ['install', '--silent', '--no-audit', '--no-fund', ...tarballs.map(file => `./${file}`)], {
      cwd: app,
    });
  }, 120_000);

  afterAll(() => rm(app, { recursive: true, force: true }));

  async function node(file: string, source: string): Promise<string> {
    await writeFile(join(app, file), source);
    return (await run('node', [file], { cwd: app, timeout: 30_000 })).stdout;
  }

  it('runs the quick start as an ES module', async () => {
    expect(await node('app.mjs', ESM)).toBe('sent to ada@example.com\n');
  });

  it('runs it as CommonJS', async () => {
    expect(await node('app.cjs', CJS)).toBe('sent to ada@example.com\nrefused with true\n');
  });

  it('recognises errors that the other build made', async () => {
    expect(await node('mixed.mjs', MIXED)).toBe('recognised across builds: true\n');
  });

  it('installs no client of a store that it does not use', async () => {
    const { stdout } = await run('npm', ['ls', '--all', '--parseable'], { cwd: app });
    expect(stdout).toContain('queue-memory');
    expect(stdout).not.toMatch(/ioredis|@platformatic|kafkajs|pg-boss|[/\\]pg\b|@aws-sdk|@backstage\/backend/);
  });

  it('says what to install when the configuration names a store whose package is missing', async () => {
    const source = `
import { createQueueService } from '@switchyard/queue-service';
const service = createQueueService({ defaultStore: 'redis', redis: { connection: 'redis://localhost' } });
await service.getQueue('emails').catch(error => console.log(error.code, error.message));
`;
    expect(await node('missing.mjs', source)).toBe(
      "invalid-config Store 'redis': the package @switchyard/queue-redis is not installed: npm install @switchyard/queue-redis\n",
    );
  });
});
