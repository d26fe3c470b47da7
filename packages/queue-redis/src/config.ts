import { z } from 'zod';

const URL_EXAMPLE = "expected a URL such as 'redis://localhost:6379' or 'rediss://user:password@host:6380/0'";

/** `problem` says what is wrong with a URL that leads to Redis, if anything is. What would be ignored is refused. */
const url = (problem: (parsed: URL) => string | undefined) =>
  z.string({ error: URL_EXAMPLE }).check(({ value, issues }) => {
    const parsed = URL.parse(value);
    const leadsToRedis = parsed !== null && /^rediss?:$/.test(parsed.protocol) && parsed.hostname !== '';
    const message = leadsToRedis ? (extrasOf(parsed) ?? problem(parsed)) : URL_EXAMPLE;
    if (message !== undefined) issues.push({ code: 'custom', input: value, message });
  });

function extrasOf({ search, hash }: URL): string | undefined {
  return search === '' && hash === ''
    ? undefined
    : 'expected no ? and no # in the URL: the settings have keys of their own';
}

const connection = url(({ username, password, pathname }) => {
  if (![username, password].every(isDecodable)) return 'expected % in a user or a password to be written as %25';
  return /^\/?\d*$/.test(pathname) ? undefined : 'expected the number of a database after the host, as in /0';
});

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/** Passwords in URLs would hold for one of many servers, and be shown where configurations are shown. */
const address = (user: string, password: string) =>
  url(given => {
    if (given.username !== '' || given.password !== '')
      return `expected no user in the URL: set ${user} and ${password}`;
    return given.pathname.length > 1 ? 'expected nothing after the port' : undefined;
  });

const text = (what: string) => z.string({ error: `expected ${what}` }).min(1, { error: `expected ${what}` });
const list = (what: string, item: ReturnType<typeof address>) =>
  z.array(item, { error: `expected a list of ${what}` }).min(1, { error: `expected a list of ${what}` });

/** `${ENV}` yields strings. */
const number = (least: number) =>
  z.preprocess(
    value => (typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value),
    z.int({ error: 'expected a whole number' }).min(least, { error: `expected a whole number ≥ ${least}` }),
  );
const boolean = z.preprocess(
  value => (value === 'true' ? true : value === 'false' ? false : value),
  z.boolean({ error: 'expected true or false' }),
);

const tls = z.strictObject({
  ca: text('certificates in PEM format').optional(),
  cert: text('a certificate in PEM format').optional(),
  key: text('a private key in PEM format').optional(),
  passphrase: text('the passphrase of the key').optional(),
  servername: text('a host name').optional(),
  rejectUnauthorized: boolean.optional(),
});

const sentinel = z.strictObject({
  name: text('the name of the master'),
  sentinels: list('URLs of the sentinels', address('sentinelUsername', 'sentinelPassword')),
  username: text('a user name').optional(),
  password: text('a password').optional(),
  sentinelUsername: text('a user name').optional(),
  sentinelPassword: text('a password').optional(),
  db: number(0).optional(),
});

const cluster = z.strictObject({
  nodes: list('URLs of some of the nodes', address('username', 'password')),
  username: text('a user name').optional(),
  password: text('a password').optional(),
});

/** `backend.queue.redis`: exactly one of `connection`, `sentinel` and `cluster`. */
export const configSchema = z
  .strictObject(
    {
      connection: connection.optional(),
      sentinel: sentinel.optional(),
      cluster: cluster.optional(),
      tls: tls.optional(),
      keyPrefix: text('a text')
        .regex(/^[^{}]*$/, { error: 'expected no braces: they decide in which slot of a cluster a queue lies' })
        .default('switchyard'),
    },
    { error: 'expected the settings of the Redis store: set connection' },
  )
  .check(({ value, issues }) => {
    const chosen = [value.connection, value.sentinel, value.cluster].filter(way => way !== undefined);
    if (chosen.length === 1) return;
    const message =
      chosen.length === 0
        ? `${URL_EXAMPLE}; sentinel or cluster would do as well`
        : 'set only one of connection, sentinel and cluster';
    issues.push({ code: 'custom', input: value, path: ['connection'], message });
  });

export type RedisConfig = z.output<typeof configSchema>;
