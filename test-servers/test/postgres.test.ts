import pg from 'pg';
import { expect, test } from 'vitest';
import { ownServer, testServer } from '@switchyard/test-servers';

const shared = await testServer('postgres');

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

test('the shared server answers a client, who may create schemas', async () => {
  await query(shared.url, 'CREATE SCHEMA test_servers; CREATE TABLE test_servers.numbers AS SELECT 1 AS number');
  expect(await query(shared.url, 'SELECT number FROM test_servers.numbers')).toEqual([{ number: 1 }]);
  await query(shared.url, 'DROP SCHEMA test_servers CASCADE');
});

test('what was committed survives a restart and a kill, even with sessions open', async () => {
  await using own = await ownServer('postgres');
  await query(own.url, 'CREATE TABLE numbers AS SELECT 1 AS number');
  const idle = new pg.Client(own.url);
  idle.on('error', () => {});
  await idle.connect();
  await own.restart();
  await query(own.url, 'INSERT INTO numbers VALUES (2)');
  await own.kill();
  await own.start();
  expect(await query(own.url, 'SELECT number FROM numbers ORDER BY number')).toEqual([{ number: 1 }, { number: 2 }]);
});

test('more arguments reach the server', async () => {
  await using own = await ownServer('postgres', { args: ['-c', 'max_connections=21'] });
  expect(await query(own.url, 'SHOW max_connections')).toEqual([{ max_connections: '21' }]);
});

test('a proxy’s URL leads to the same database', async () => {
  await using proxy = await shared.proxy();
  expect(proxy.url).not.toBe(shared.url);
  expect(await query(proxy.url, 'SELECT current_user AS name')).toEqual([{ name: 'postgres' }]);
});
