import type { RedisOptions } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { createClient } from '../src/clients.ts';
import { configSchema } from '../src/config.ts';

const connection = 'redis://localhost';
const sentinel = { name: 'mymaster', sentinels: ['redis://localhost:26379'] };
const cluster = { nodes: ['redis://localhost:7000'] };

function refusals(input: unknown): string[] {
  const issues = configSchema.safeParse(input).error?.issues ?? [];
  return issues.flatMap(issue =>
    issue.code === 'unrecognized_keys' ? issue.keys.map(key => [...issue.path, key].join('.')) : [issue.path.join('.')],
  );
}

describe('a configuration', () => {
  it.each([
    [{ connection }],
    [{ connection: 'redis://localhost:6379/' }],
    [{ connection: 'rediss://user:password@host.example:6380/3', tls: { rejectUnauthorized: true } }],
    [{ sentinel }],
    [{ sentinel: { ...sentinel, username: 'a', password: 'b', sentinelUsername: 'c', sentinelPassword: 'd', db: 1 } }],
    [{ cluster, keyPrefix: 'mine' }],
    [{ cluster: { nodes: ['rediss://[::1]:7000', 'rediss://b'], username: 'a', password: 'b' } }],
    [{ connection, tls: { ca: 'a', cert: 'b', key: 'c', passphrase: 'd', servername: 'e' } }],
  ])('is taken: %j', input => {
    expect(refusals(input)).toEqual([]);
  });

  it.each([
    ['is missing', undefined, ''],
    ['is missing', null, ''],
    ['is no object', 'redis://localhost', ''],
    ['leads nowhere', {}, 'connection'],
    ['leads to two places', { connection, sentinel }, 'connection'],
    ['leads to two places', { connection, cluster }, 'connection'],
    ['leads to two places', { sentinel, cluster }, 'connection'],
    ['leads to three places', { connection, sentinel, cluster }, 'connection'],
    ['has an unknown key', { connection, host: 'x' }, 'host'],
    ['has an unknown key', { connection, tls: { cipher: 'x' } }, 'tls.cipher'],
    ['has an unknown key', { sentinel: { ...sentinel, role: 'slave' } }, 'sentinel.role'],
    ['has an unknown key', { cluster: { ...cluster, db: 1 } }, 'cluster.db'],
    ['lacks a key', { sentinel: { sentinels: sentinel.sentinels } }, 'sentinel.name'],
    ['lacks a key', { sentinel: { name: 'mymaster' } }, 'sentinel.sentinels'],
    ['lacks a key', { cluster: {} }, 'cluster.nodes'],
    ['has an empty list', { sentinel: { ...sentinel, sentinels: [] } }, 'sentinel.sentinels'],
    ['has an empty list', { cluster: { nodes: [] } }, 'cluster.nodes'],
    ['has an empty text', { connection, keyPrefix: '' }, 'keyPrefix'],
    ['has an empty text', { connection, tls: { ca: '' } }, 'tls.ca'],
    ['has an empty text', { sentinel: { ...sentinel, name: '' } }, 'sentinel.name'],
    ['has braces in the prefix', { connection, keyPrefix: '{mine}' }, 'keyPrefix'],
    ['has a database that is no number', { sentinel: { ...sentinel, db: 'two' } }, 'sentinel.db'],
    ['has a database below 0', { sentinel: { ...sentinel, db: -1 } }, 'sentinel.db'],
    ['has half a database', { sentinel: { ...sentinel, db: 1.5 } }, 'sentinel.db'],
    ['has no flag where one belongs', { connection, tls: { rejectUnauthorized: 'no' } }, 'tls.rejectUnauthorized'],
  ])('that %s is refused where it is wrong: %j', (_, input, path) => {
    expect(refusals(input)).toEqual([path]);
  });

  it.each(['connection', 'keyPrefix', 'sentinel', 'cluster', 'tls'])('is refused if %s has the wrong type', key => {
    expect(refusals({ ...(key !== 'connection' && { connection }), [key]: 5 })).toContain(key);
  });

  it.each(['ca', 'cert', 'key', 'passphrase', 'servername', 'rejectUnauthorized'])(
    'is refused if tls.%s has the wrong type',
    key => {
      expect(refusals({ connection, tls: { [key]: 5 } })).toEqual([`tls.${key}`]);
    },
  );

  it.each(['name', 'sentinels', 'username', 'password', 'sentinelUsername', 'sentinelPassword', 'db'])(
    'is refused if sentinel.%s has the wrong type',
    key => {
      expect(refusals({ sentinel: { ...sentinel, [key]: false } })).toEqual([`sentinel.${key}`]);
    },
  );

  it.each(['nodes', 'username', 'password'])('is refused if cluster.%s has the wrong type', key => {
    expect(refusals({ cluster: { ...cluster, [key]: false } })).toEqual([`cluster.${key}`]);
  });

  it('says which of several URLs is wrong', () => {
    expect(refusals({ cluster: { nodes: ['redis://a', 'b:7000', 'redis://c', 5] } })).toEqual([
      'cluster.nodes.1',
      'cluster.nodes.3',
    ]);
    expect(refusals({ sentinel: { ...sentinel, sentinels: ['redis://a', 'tcp://b'] } })).toEqual([
      'sentinel.sentinels.1',
    ]);
  });

  it('never repeats a password when it refuses one', () => {
    for (const input of [
      { connection: 'redis://user:geheim%@host' },
      { connection: 'redis://user:geheim@host/abc' },
      { connection: 'geheim' },
      { cluster: { nodes: ['redis://:geheim@host'] } },
    ]) {
      expect(configSchema.safeParse(input).error?.message).not.toContain('geheim');
    }
  });

  it('converts what environment variables yield', () => {
    expect(configSchema.parse({ sentinel: { ...sentinel, db: '2' }, tls: { rejectUnauthorized: 'false' } })).toEqual({
      sentinel: { ...sentinel, db: 2 },
      tls: { rejectUnauthorized: false },
      keyPrefix: 'switchyard',
    });
    expect(configSchema.parse({ connection, tls: { rejectUnauthorized: 'true' } }).tls?.rejectUnauthorized).toBe(true);
  });
});

describe('a URL', () => {
  it.each([
    ['localhost:6379', 'has no scheme'],
    ['http://localhost', 'has another scheme'],
    ['redis://', 'has no host'],
    ['redis:///0', 'has no host'],
    ['redis://localhost:70000', 'has no such port'],
    ['redis://localhost/abc', 'names a database by letters'],
    ['redis://localhost/0/1', 'names two databases'],
    ['redis://user:100%@localhost', 'has a % that stands for nothing'],
    ['redis://localhost?db=3', 'has settings'],
    ['redis://localhost#3', 'has a fragment'],
  ])('%s is refused: it %s', url => {
    expect(refusals({ connection: url })).toEqual(['connection']);
  });

  it.each(['redis://:secret@a', 'redis://user@a', 'redis://a/1'])(
    'of one of many servers leads to a server and no further: %s is refused',
    url => {
      expect(refusals({ cluster: { nodes: [url] } })).toEqual(['cluster.nodes.0']);
      expect(refusals({ sentinel: { ...sentinel, sentinels: [url] } })).toEqual(['sentinel.sentinels.0']);
    },
  );

  it.each<[string, RedisOptions]>([
    ['redis://localhost', { host: 'localhost', port: 6379, db: 0 }],
    ['redis://host.example:6380/3', { host: 'host.example', port: 6380, db: 3 }],
    ['redis://:secret@localhost', { password: 'secret' }],
    ['redis://user:p%40ss%2Fw%3Ard%25%23@localhost', { username: 'user', password: 'p@ss/w:rd%#' }],
    ['redis://us%3Aer:%C3%BC%20%2B+@localhost', { username: 'us:er', password: 'ü ++' }],
    ['redis://[::1]:6380/1', { host: '::1', port: 6380, db: 1 }],
    ['rediss://user:secret@[2001:db8::7]', { host: '2001:db8::7', port: 6379, tls: {} }],
  ])('%s becomes %j', (url, options) => {
    expect(createClient(configSchema.parse({ connection: url }), 'test').options).toMatchObject(options);
  });

  it('with rediss turns on TLS wherever it stands', () => {
    const bySentinel = configSchema.parse({ sentinel: { ...sentinel, sentinels: ['rediss://[::1]'] } });
    expect(createClient(bySentinel, 'test').options).toMatchObject({
      sentinels: [{ host: '::1', port: 26_379 }],
      tls: {},
      sentinelTLS: {},
      enableTLSForSentinelMode: true,
    });
    const byCluster = configSchema.parse({ cluster: { nodes: ['redis://a', 'rediss://[::1]'] } });
    expect(createClient(byCluster, 'test').options).toMatchObject({ redisOptions: { tls: {} } });
  });
});
