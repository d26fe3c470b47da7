import { z } from 'zod';

const EXAMPLE = "expected a URL such as 'postgres://user:password@host:5432/database', or an object with host, port, …";

const url = z.string({ error: EXAMPLE }).refine(value => /^postgres(ql)?:$/.test(URL.parse(value)?.protocol ?? ''), {
  error: EXAMPLE,
});

const text = (what: string) => z.string({ error: `expected ${what}` }).min(1, { error: `expected ${what}` });

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

type Password = () => string | Promise<string>;
const password = z.union(
  [text('a password'), z.custom<Password>(value => typeof value === 'function', { error: 'expected a password' })],
  { error: 'expected a password, or a function that returns one' },
);

/** As node-postgres has it. */
const settings = z.strictObject({
  host: text('a host name, or the folder of a socket').optional(),
  port: number(1).optional(),
  database: text('the name of a database').optional(),
  user: text('a user name').optional(),
  password: password.optional(),
  ssl: z.union([boolean, tls], { error: 'expected true, false, or the settings of TLS' }).optional(),
});

/** `backend.queue.postgres`. */
export const configSchema = z.strictObject(
  {
    connection: z.union([url, settings], { error: EXAMPLE }),
    schema: z
      .string({ error: 'expected the name of a schema' })
      .regex(/^[a-z_][a-z0-9_]{0,49}$/, {
        error: 'expected the name of a schema: up to 50 lower-case letters, digits and _, beginning with no digit',
      })
      .default('backstage__queue_service'),
    // One may be busy with the maintenance of pg-boss.
    poolSize: number(2).default(5),
    createSchema: boolean.default(true),
  },
  { error: 'expected the settings of the PostgreSQL store: set connection' },
);

export type PostgresConfig = z.output<typeof configSchema>;
