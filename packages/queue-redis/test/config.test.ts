import { expect, it } from 'vitest';
import { configSchema } from '../src/config.ts';
import { queueKeys } from '../src/keys.ts';

const paths = (input: unknown) =>
  (configSchema.safeParse(input).error?.issues ?? []).map(issue =>
    'keys' in issue ? [...issue.path, ...issue.keys].join('.') : issue.path.join('.'),
  );

const sentinel = { name: 'mymaster', sentinels: ['redis://localhost:26379'] };

it.each([
  [{ connection: 'redis://localhost' }],
  [{ connection: 'rediss://user:p%40ss@[::1]:6380/3', tls: { rejectUnauthorized: 'false' } }],
  [{ sentinel: { ...sentinel, db: '2', password: 'secret' } }],
  [{ cluster: { nodes: ['redis://localhost:7000'], password: 'secret' }, keyPrefix: 'mine' }],
])('accepts %j', input => {
  expect(paths(input)).toEqual([]);
});

it.each([
  [undefined, ''],
  [{}, 'connection'],
  [{ connection: 'localhost:6379' }, 'connection'],
  [{ connection: 'http://localhost' }, 'connection'],
  [{ connection: 6379 }, 'connection'],
  [{ connection: 'redis://localhost', sentinel }, 'connection'],
  [{ connection: 'redis://localhost', host: 'x' }, 'host'],
  [{ connection: 'redis://localhost', keyPrefix: '{mine}' }, 'keyPrefix'],
  [{ connection: 'redis://localhost', keyPrefix: '' }, 'keyPrefix'],
  [{ connection: 'redis://localhost', tls: { ca: 5 } }, 'tls.ca'],
  [{ connection: 'redis://localhost', tls: { rejectUnauthorized: 'sometimes' } }, 'tls.rejectUnauthorized'],
  [{ sentinel: { sentinels: ['redis://localhost'] } }, 'sentinel.name'],
  [{ sentinel: { ...sentinel, sentinels: [] } }, 'sentinel.sentinels'],
  [{ sentinel: { ...sentinel, db: -1 } }, 'sentinel.db'],
  [{ cluster: { nodes: ['localhost'] } }, 'cluster.nodes.0'],
  [{ cluster: {} }, 'cluster.nodes'],
])('refuses %j at %s', (input, path) => {
  expect(paths(input)).toContain(path);
});

it('keeps all keys of a queue in one slot, and those of two queues apart', () => {
  const queues = [
    { plugin: 'a-b', name: 'c' },
    { plugin: 'a', name: 'b-c' },
    { plugin: '', name: 'x' },
    { plugin: '', name: 'x.dead' },
    { plugin: '', name: 'X' },
    { plugin: 'a/b', name: 'c' },
    { plugin: 'a', name: 'c' },
    { plugin: 'a}b', name: 'c' },
  ].map(name => queueKeys('switchyard', name));
  const all = queues.flatMap(({ keys, channel }) => [...keys, channel]);
  expect(new Set(all).size).toBe(all.length);
  for (const { keys, channel } of queues) {
    expect(new Set([...keys, channel].map(key => /\{[^}]+\}/.exec(key)?.[0])).size).toBe(1);
  }
});
