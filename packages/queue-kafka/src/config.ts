import { z } from 'zod';

const text = (what: string) => z.string({ error: `expected ${what}` }).min(1, { error: `expected ${what}` });

/** `${ENV}` yields strings. */
const boolean = z.preprocess(
  value => (value === 'true' ? true : value === 'false' ? false : value),
  z.boolean({ error: 'expected true or false' }),
);

const integer = (least: number, most: number, what = 'a whole number') => {
  const error = `expected ${what} from ${least} to ${most}`;
  return z.preprocess(
    value => (typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value),
    z.int({ error }).min(least, { error }).max(most, { error }),
  );
};

const BROKER_EXPECTED = "expected 'host:port', as in 'kafka-1.example.com:9092'";
const DEFAULT_PORT = 9092;

/** `[::1]:9092` is how IPv6 is written. A scheme or a user before the host would be taken for a part of it. */
const BROKER = /^(?<host>[^\s:/@[\]]+|\[[\da-f:.]+\])(?::(?<port>\d{1,5}))?$/i;

const broker = z.string({ error: BROKER_EXPECTED }).transform((value, context) => {
  const { host, port = DEFAULT_PORT } = BROKER.exec(value.trim())?.groups ?? {};
  if (host !== undefined && Number(port) >= 1 && Number(port) <= 65_535) return `${host}:${Number(port)}`;
  context.addIssue({ code: 'custom', input: value, message: BROKER_EXPECTED });
  return z.NEVER;
});

const BROKERS_EXPECTED = "expected a list of some of the brokers, as in ['kafka-1.example.com:9092']";
const brokers = z.preprocess(
  value => (typeof value === 'string' ? value.split(',') : value),
  z.array(broker, { error: BROKERS_EXPECTED }).min(1, { error: BROKERS_EXPECTED }),
);

const tls = z
  .strictObject(
    {
      ca: text('certificates in PEM format').optional(),
      cert: text('a certificate in PEM format').optional(),
      key: text('a private key in PEM format').optional(),
      passphrase: text('the passphrase of the key').optional(),
      servername: text('a host name').optional(),
      rejectUnauthorized: boolean.optional(),
    },
    { error: 'expected true, false, or the settings of TLS' },
  )
  .check(({ value, issues }) => {
    if ((value.cert === undefined) === (value.key === undefined)) return;
    const [given, missing] = value.cert === undefined ? ['key', 'cert'] : ['cert', 'key'];
    issues.push({ code: 'custom', input: undefined, path: [missing], message: `expected ${missing} beside ${given}` });
  });

/** Not a union: that would answer for all its members at once, and name no key. */
const ssl = z.unknown().transform((value, context) => {
  const isFlag = typeof value === 'string' || typeof value === 'boolean';
  const { success, data, error } = isFlag ? boolean.safeParse(value) : tls.safeParse(value);
  if (success) return data;
  for (const issue of error.issues) context.issues.push({ ...issue, input: undefined });
  return z.NEVER;
});

const MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512'] as const;
const sasl = z.strictObject(
  {
    // Brokers are configured with them in upper case.
    mechanism: z.preprocess(
      value => (typeof value === 'string' ? value.toLowerCase() : value),
      z.enum(MECHANISMS, { error: `expected one of ${MECHANISMS.join(', ')}` }),
    ),
    username: text('a user name'),
    password: text('a password'),
  },
  { error: 'expected mechanism, username and password' },
);

const PREFIX_EXPECTED = 'expected up to 40 letters, digits and hyphens';

const DAY_MS = 24 * 60 * 60 * 1000;
/** As Backstage counts them. */
const UNIT_MS = {
  years: 365 * DAY_MS,
  months: 30 * DAY_MS,
  weeks: 7 * DAY_MS,
  days: DAY_MS,
  hours: 60 * 60 * 1000,
  minutes: 60 * 1000,
  seconds: 1000,
  milliseconds: 1,
};

const NUMBER = String.raw`\d+(?:\.\d+)?`;
const ISO = new RegExp(
  `^P(?=.)(?:(?<years>${NUMBER})Y)?(?:(?<months>${NUMBER})M)?(?:(?<weeks>${NUMBER})W)?(?:(?<days>${NUMBER})D)?` +
    `(?:T(?=.)(?:(?<hours>${NUMBER})H)?(?:(?<minutes>${NUMBER})M)?(?:(?<seconds>${NUMBER})S)?)?$`,
);
const WORDS = new RegExp(
  `^(?<amount>${NUMBER}) *(?:(?<milliseconds>|ms|msecs?|milliseconds?)|(?<seconds>s|secs?|seconds?)|` +
    '(?<minutes>m|mins?|minutes?)|(?<hours>h|hrs?|hours?)|(?<days>d|days?)|(?<weeks>w|weeks?)|(?<years>y|yrs?|years?))$',
  'i',
);

/** What Backstage takes for a duration, or plain milliseconds: `'30s'`, `'PT30S'`, `{ seconds: 30 }`. */
function milliseconds(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  const amounts = typeof value === 'string' ? amountsIn(value.trim()) : value;
  if (typeof amounts !== 'object' || amounts === null) return undefined;
  const given = Object.entries(amounts).filter(([, amount]) => amount !== undefined);
  if (given.length === 0 || given.some(([unit]) => !Object.hasOwn(UNIT_MS, unit))) return undefined;
  return given.reduce((sum, [unit, amount]) => sum + Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS], 0);
}

function amountsIn(duration: string): object | undefined {
  const { amount, ...units } = WORDS.exec(duration)?.groups ?? {};
  const unit = Object.keys(units).find(name => units[name] !== undefined);
  return unit === undefined ? ISO.exec(duration)?.groups : { [unit]: amount };
}

const LEAST_STEP_MS = 50;
const MOST_STEP_MS = 365 * DAY_MS;
const STEP_EXPECTED = `expected milliseconds or a duration such as '30s', 'PT30S' or { seconds: 30 }, from ${LEAST_STEP_MS} ms to 365 days`;
const STEPS_EXPECTED = 'expected a list of 1 to 30 durations';

const delayStep = z.unknown().transform((value, context) => {
  const ms = Math.ceil(milliseconds(value) ?? NaN);
  if (ms >= LEAST_STEP_MS && ms <= MOST_STEP_MS) return ms;
  context.addIssue({ code: 'custom', input: value, message: STEP_EXPECTED });
  return z.NEVER;
});

const delaySteps = z
  .array(delayStep, { error: STEPS_EXPECTED })
  .min(1, { error: STEPS_EXPECTED })
  .max(30, { error: STEPS_EXPECTED })
  .check(({ value, issues }) => {
    const index = value.findIndex((step, at) => at > 0 && step <= value[at - 1]!);
    if (index === -1) return;
    issues.push({ code: 'custom', input: value, path: [index], message: 'expected more than the step before it' });
  });

/** From where the schedule of retries begins (1, 2, 4, 8 s …) to the longest delays, in steps of about three times the last. */
const DELAY_STEPS_MS = [100, 300, 1_000, 3_000, 10_000, 30_000, 120_000, 600_000, 3_600_000, 21_600_000, DAY_MS];

/** Less would leave hardly any room beside what we write ourselves. */
const LEAST_BYTES = 64 * 1024;
const MOST_BYTES = 100 * 1024 * 1024;

/** `backend.queue.kafka`. Only `brokers` has to be there. */
export const configSchema = z.strictObject(
  {
    brokers,
    clientId: text('a name for this client').default('backstage-backend'),
    ssl: ssl.optional(),
    sasl: sasl.optional(),
    topicPrefix: z
      .string({ error: PREFIX_EXPECTED })
      .regex(/^[A-Za-z0-9-]{1,40}$/, { error: PREFIX_EXPECTED })
      .default('switchyard'),
    partitions: integer(1, 1000).default(6),
    replicationFactor: integer(1, 32_767).optional(),
    autoCreateTopics: boolean.default(true),
    delaySteps: delaySteps.default(DELAY_STEPS_MS),
    maxUncommitted: integer(1, 20_000).default(1000),
    maxMessageBytes: integer(LEAST_BYTES, MOST_BYTES, 'a whole number of bytes').optional(),
  },
  { error: 'expected the settings of the Kafka store: set brokers' },
);

export type KafkaConfig = z.output<typeof configSchema>;
