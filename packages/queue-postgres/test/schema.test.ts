import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { testServer } from '@switchyard/test-servers';
import { getRollbackPlans } from 'pg-boss';
import { afterAll, expect, it } from 'vitest';
import { configSchema } from '../src/config.ts';
import { connectClient, IN_TIME, newJob, openStore, reserve } from './open-store.ts';
import { ownSchema } from './own-schema.ts';

const { url } = await testServer('postgres');
const admin = await connectClient(url);
afterAll(() => admin.end());

/** Starts processes that each open the store, add a job and run one. Resolves with all that they said. */
async function startTogether(count: number, schema: string): Promise<string[]> {
  const program = fileURLToPath(new URL('programs/add-and-run.ts', import.meta.url));
  return Promise.all(
    Array.from({ length: count }, async () => {
      const child = spawn(process.execPath, [program, url, schema], { env: { ...process.env, NODE_OPTIONS: '' } });
      let said = '';
      for (const stream of [child.stdout, child.stderr]) stream.on('data', data => (said += data));
      await once(child, 'close');
      return said.trim();
    }),
  );
}

it('comes up in eight processes at once where there was nothing', { timeout: 60_000 }, async () => {
  const schema = ownSchema('together');
  expect(await startTogether(8, schema)).toEqual(Array.from({ length: 8 }, () => 'ran 1'));
  const { rows } = await admin.query(`SELECT count(*)::int AS count FROM ${schema}.version`);
  expect(rows[0].count).toBe(1);
});

it('comes up in eight processes at once on the schema of an older pg-boss', { timeout: 60_000 }, async () => {
  const schema = ownSchema('older');
  {
    await using scene = await openStore({ schema });
    await scene.queue.enqueue([newJob()], IN_TIME);
  }
  const version = async () => Number((await admin.query(`SELECT version FROM ${schema}.version`)).rows[0].version);
  const current = await version();
  for (let back = 0; back < 3; back++) await admin.query(getRollbackPlans(schema, current - back));
  expect(await version()).toBe(current - 3);
  const said = await startTogether(8, schema);
  for (const one of said)
    expect(one.replace(/^\[switchyard\] Until pg-boss has built the index[^}]*\}\s*/, '')).toBe('ran 1');
  expect(await version()).toBe(current);
  // What was added before is still there.
  await using scene = await openStore({ schema });
  expect(await reserve(scene.queue)).toHaveLength(1);
});

it('goes on with the schema of a newer pg-boss', async () => {
  const schema = ownSchema('newer');
  await using old = await openStore({ schema });
  await admin.query(`UPDATE ${schema}.version SET version = version + 1`);
  await admin.query(`ALTER TABLE ${schema}.job ADD COLUMN something_new text`);
  for (const createSchema of [true, false]) {
    await using scene = await openStore({ schema, createSchema });
    await old.queue.enqueue([newJob()], IN_TIME);
    expect(await reserve(scene.queue)).toHaveLength(1);
  }
});

it.each([
  ['ALTER COLUMN retry_count TYPE bigint', 'column retry_count is bigint, not integer'],
  ['DROP COLUMN source_created_on', 'column source_created_on is missing, not timestamp with time zone'],
])('refuses a table that is not as it must be, and says how it differs: %s', async (change, message) => {
  const schema = ownSchema('other');
  await using scene = await openStore({ schema });
  await scene.client.query(`ALTER TABLE ${schema}.job ${change}`);
  await expect(openStore({ schema })).rejects.toThrow(message);
});

it('refuses a table without the index that gives the order', async () => {
  const schema = ownSchema('other');
  await using scene = await openStore({ schema });
  await scene.client.query(`DROP INDEX ${schema}.job_common_i11`);
  await expect(openStore({ schema })).rejects.toThrow('there is no index for the order of waiting jobs');
});

it('without the right to change the schema says what an administrator must run, and works once that was run', async () => {
  const schema = ownSchema('restricted');
  const refused = await openStore({ schema, createSchema: false }).catch((error: Error) => error);
  const [, sql = ''] = /have an administrator run:\n\n([^]+)/.exec((refused as Error).message) ?? [];
  expect(sql).toContain(`CREATE TABLE ${schema}.job`);
  await admin.query(sql);
  const user = ownSchema('worker');
  await admin.query(`CREATE ROLE ${user} LOGIN; GRANT USAGE ON SCHEMA ${schema} TO ${user};
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${schema} TO ${user}`);
  await using scene = await openStore({
    connection: url.replace('postgres@', `${user}@`),
    schema,
    createSchema: false,
  });
  await scene.queue.enqueue([newJob()], IN_TIME);
  const [delivery] = await reserve(scene.queue);
  expect(await scene.queue.settle([{ kind: 'ack', receipt: delivery!.receipt }], IN_TIME)).toEqual([{ ok: true }]);
});

it('without the right to change the schema says how to migrate an older one', async () => {
  const schema = ownSchema('restricted');
  {
    await using _ = await openStore({ schema });
  }
  const { rows } = await admin.query(`SELECT version FROM ${schema}.version`);
  await admin.query(getRollbackPlans(schema, Number(rows[0].version)));
  const refused = await openStore({ schema, createSchema: false }).catch((error: Error) => error);
  const [, sql = ''] = /have an administrator run:\n\n([^]+)/.exec((refused as Error).message) ?? [];
  // One statement after the other, as psql does: indexes are not built in a transaction.
  for (const statements of sql.split(/^-- inlined .*$/m)) await admin.query(statements);
  await using scene = await openStore({ schema, createSchema: false });
  await scene.queue.enqueue([newJob()], IN_TIME);
});

it.each([
  [undefined, ''],
  [{}, 'connection'],
  [{ connection: 5 }, 'connection'],
  [{ connection: 'mysql://localhost' }, 'connection'],
  [{ connection: 'localhost' }, 'connection'],
  [{ connection: { hots: 'x' } }, 'connection.hots'],
  [{ connection: { port: 'x' } }, 'connection.port'],
  [{ connection: { password: 5 } }, 'connection.password'],
  [{ connection: { ssl: { ca: 5 } } }, 'connection.ssl.ca'],
  [{ connection: url, schema: 'Mine' }, 'schema'],
  [{ connection: url, schema: 'a"b' }, 'schema'],
  [{ connection: url, schema: 'x'.repeat(51) }, 'schema'],
  [{ connection: url, poolSize: 1 }, 'poolSize'],
  [{ connection: url, poolSize: 1.5 }, 'poolSize'],
  [{ connection: url, createSchema: 'maybe' }, 'createSchema'],
  [{ connection: url, pool: 5 }, 'pool'],
])('refuses the configuration %j at %s', (input, path) => {
  const { error } = configSchema.safeParse(input);
  expect(error?.issues.flatMap(issue => ('keys' in issue ? issue.keys : [issue.path.join('.')]))).toBeDefined();
  expect(JSON.stringify(error?.issues)).toContain(path.split('.').at(-1));
});

it('takes what environment variables yield, and has defaults', () => {
  expect(
    configSchema.parse({ connection: { host: 'db', port: '5433' }, poolSize: '3', createSchema: 'false' }),
  ).toEqual({
    connection: { host: 'db', port: 5433 },
    schema: 'backstage__queue_service',
    poolSize: 3,
    createSchema: false,
  });
});
