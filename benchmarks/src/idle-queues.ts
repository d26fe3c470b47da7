// npm run bench -- idle <store>: what fifty idle queues with a worker each cost server and process in twenty seconds.
import { setTimeout as sleep } from 'node:timers/promises';
import { postgresAdapter } from '@switchyard/queue-postgres';
import { redisAdapter } from '@switchyard/queue-redis';
import { createQueueService } from '@switchyard/queue-service';
import { testServer } from '@switchyard/test-servers';
import { Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { PgBoss } from 'pg-boss';

const QUEUES = Array.from({ length: 50 }, (_, number) => `idle-${number}`);
/** PostgreSQL counts what an idle session did up to ten seconds later. */
const SETTLE_MS = 15_000;
const SECONDS = 20;

/** What a server has done so far. */
interface Sample {
  readonly requests: number;
  readonly cpuSeconds?: number;
}

interface Idler {
  readonly name: string;
  /** Starts a worker for each of the queues; returns how to end them. */
  start(url: string): Promise<() => Promise<unknown>>;
}

/** What clients say while they wait: commands within scripts are counted by Redis as well. */
const CLIENTS_SAY = ['evalsha', 'eval', 'bzpopmin', 'ping', 'info'];

function callsOf(info: string, command: string): number | undefined {
  const [, calls] = new RegExp(`^cmdstat_${command}:calls=(\\d+)`, 'm').exec(info) ?? [];
  return calls === undefined ? undefined : Number(calls);
}

async function ours(options: Parameters<typeof createQueueService>[0]): Promise<() => Promise<unknown>> {
  const service = createQueueService(options);
  for (const name of QUEUES) (await service.getQueue(name)).process(() => {});
  return () => service.close();
}

const STORES: Readonly<
  Record<string, { sampler(url: string): Promise<() => Promise<Sample>>; idlers: readonly Idler[] }>
> = {
  redis: {
    async sampler(url) {
      const redis = new Redis(url);
      return async () => {
        const info = await redis.info('all');
        const number = (key: string) => Number(new RegExp(`^${key}:([\\d.]+)`, 'm').exec(info)?.[1]);
        return {
          requests: CLIENTS_SAY.reduce((sum, command) => sum + (callsOf(info, command) ?? 0), 0),
          cpuSeconds: number('used_cpu_user') + number('used_cpu_sys'),
        };
      };
    },
    idlers: [
      {
        name: 'switchyard',
        start: url => ours({ adapters: [redisAdapter], defaultStore: 'redis', redis: { connection: url } }),
      },
      {
        name: 'BullMQ',
        async start(url) {
          const { hostname: host, port } = new URL(url);
          const connection = { host, port: Number(port), maxRetriesPerRequest: null };
          const workers = QUEUES.map(name => new Worker(name, async () => {}, { connection }));
          await Promise.all(workers.map(worker => worker.waitUntilReady()));
          return () => Promise.all(workers.map(worker => worker.close()));
        },
      },
    ],
  },
  postgres: {
    async sampler(url) {
      const client = new Client({ connectionString: url });
      await client.connect();
      return async () => {
        const { rows } = await client.query(
          'SELECT (xact_commit + xact_rollback)::int AS requests FROM pg_stat_database WHERE datname = current_database()',
        );
        return rows[0] as Sample;
      };
    },
    idlers: [
      {
        name: 'switchyard',
        start: url => ours({ adapters: [postgresAdapter], defaultStore: 'postgres', postgres: { connection: url } }),
      },
      {
        name: 'pg-boss',
        async start(url) {
          const boss = new PgBoss({ connectionString: url, schema: 'idle' });
          boss.on('error', error => console.error(error));
          await boss.start();
          for (const name of QUEUES) {
            await boss.createQueue(name);
            await boss.work(name, async () => {});
          }
          return () => boss.stop({ graceful: false });
        },
      },
    ],
  },
};

const storeName = process.argv[2] as 'redis' | 'postgres';
const store = STORES[storeName];
if (store === undefined) throw new Error(`Choose a store: ${Object.keys(STORES).join(', ')}`);
const { url } = await testServer(storeName);
const sample = await store.sampler(url);
for (const idler of store.idlers) {
  const end = await idler.start(url);
  await sleep(SETTLE_MS);
  const before = await sample();
  const cpu = process.cpuUsage();
  await sleep(SECONDS * 1000);
  const after = await sample();
  const { user, system } = process.cpuUsage(cpu);
  const perSecond = (after.requests - before.requests) / SECONDS;
  const server =
    after.cpuSeconds === undefined ? '' : `, ${(after.cpuSeconds - before.cpuSeconds!).toFixed(2)} s of the server`;
  console.log(
    `${idler.name}: ${perSecond.toFixed(1)} requests/s, ${((user + system) / 1e6).toFixed(2)} s of the worker's CPU${server}`,
  );
  await end();
}
process.exit(0);
