import { describe, expect, it } from 'vitest';
import { configSchema } from '../src/config.ts';

const brokers = ['kafka-1.example.com:9093'];
const sasl = { mechanism: 'plain', username: 'a', password: 'b' };
const DAY_MS = 86_400_000;

function refusals(input: unknown): string[] {
  const issues = configSchema.safeParse(input).error?.issues ?? [];
  return issues.flatMap(issue =>
    issue.code === 'unrecognized_keys' ? issue.keys.map(key => [...issue.path, key].join('.')) : [issue.path.join('.')],
  );
}

describe('a configuration', () => {
  it.each([
    [{ brokers }],
    [{ brokers: 'kafka-1:9092,kafka-2:9092', clientId: 'backstage' }],
    [{ brokers: ['10.0.0.1', '[::1]:9092'] }],
    [{ brokers, ssl: true, sasl }],
    [{ brokers, ssl: false, sasl: { ...sasl, mechanism: 'scram-sha-256' } }],
    [{ brokers, ssl: { ca: 'PEM', cert: 'PEM', key: 'PEM', passphrase: 'x', servername: 'kafka' } }],
    [{ brokers, ssl: {}, topicPrefix: 'my-team-1', partitions: 1000, replicationFactor: 3 }],
    [{ brokers, autoCreateTopics: false, maxUncommitted: 20_000, maxMessageBytes: 104_857_600 }],
    [{ brokers, delaySteps: [50, '1s', 'PT1M', { days: 365 }] }],
  ])('is taken: %j', input => {
    expect(refusals(input)).toEqual([]);
  });

  it.each([
    ['is missing', undefined, ''],
    ['is empty', null, ''],
    ['is no object', 'localhost:9092', ''],
    ['has no brokers', {}, 'brokers'],
    ['has an empty list of brokers', { brokers: [] }, 'brokers'],
    ['has brokers of the wrong type', { brokers: 9092 }, 'brokers'],
    ['has an empty broker', { brokers: '' }, 'brokers.0'],
    ['has a comma too many', { brokers: 'a:9092,' }, 'brokers.1'],
    ['has a broker of the wrong type', { brokers: ['a:9092', 9092] }, 'brokers.1'],
    ['has the URL of a broker', { brokers: ['kafka://a:9092'] }, 'brokers.0'],
    ['has a user in a broker', { brokers: ['user:geheim@a:9092'] }, 'brokers.0'],
    ['has a port that is none', { brokers: ['a:65536'] }, 'brokers.0'],
    ['has no port after the colon', { brokers: ['a:'] }, 'brokers.0'],
    ['has IPv6 without brackets', { brokers: ['::1'] }, 'brokers.0'],
    ['has an unknown key', { brokers, broker: 'x' }, 'broker'],
    ['has an empty name', { brokers, clientId: '' }, 'clientId'],
    ['has no flag where one belongs', { brokers, autoCreateTopics: 'maybe' }, 'autoCreateTopics'],
    ['has TLS of the wrong type', { brokers, ssl: 1 }, 'ssl'],
    ['has neither yes nor no for TLS', { brokers, ssl: 'maybe' }, 'ssl'],
    ['has an unknown key', { brokers, ssl: { caFile: 'x' } }, 'ssl.caFile'],
    ['has an empty certificate', { brokers, ssl: { ca: '' } }, 'ssl.ca'],
    ['has a certificate without its key', { brokers, ssl: { cert: 'PEM' } }, 'ssl.key'],
    ['has a key without its certificate', { brokers, ssl: { key: 'PEM' } }, 'ssl.cert'],
    ['has SASL of the wrong type', { brokers, sasl: 'plain' }, 'sasl'],
    ['has an unknown mechanism', { brokers, sasl: { ...sasl, mechanism: 'oauthbearer' } }, 'sasl.mechanism'],
    ['has no password', { brokers, sasl: { mechanism: 'plain', username: 'a' } }, 'sasl.password'],
    ['has an unknown key', { brokers, sasl: { ...sasl, token: 'x' } }, 'sasl.token'],
    ['has a dot in its prefix', { brokers, topicPrefix: 'a.b' }, 'topicPrefix'],
    ['has an underscore in its prefix', { brokers, topicPrefix: 'a_b' }, 'topicPrefix'],
    ['has an empty prefix', { brokers, topicPrefix: '' }, 'topicPrefix'],
    ['has a prefix that leaves no room', { brokers, topicPrefix: 'a'.repeat(41) }, 'topicPrefix'],
    ['has no partitions', { brokers, partitions: 0 }, 'partitions'],
    ['has half a partition', { brokers, partitions: 1.5 }, 'partitions'],
    ['has more copies than Kafka', { brokers, replicationFactor: 32_768 }, 'replicationFactor'],
    ['may leave nothing uncommitted', { brokers, maxUncommitted: 0 }, 'maxUncommitted'],
    ['may leave too much uncommitted', { brokers, maxUncommitted: 20_001 }, 'maxUncommitted'],
    ['allows hardly any bytes', { brokers, maxMessageBytes: 1024 }, 'maxMessageBytes'],
    ['allows more bytes than are sensible', { brokers, maxMessageBytes: 104_857_601 }, 'maxMessageBytes'],
    ['has no list of steps', { brokers, delaySteps: 1000 }, 'delaySteps'],
    ['has an empty list of steps', { brokers, delaySteps: [] }, 'delaySteps'],
    ['has too many steps', { brokers, delaySteps: Array.from({ length: 31 }, (_, at) => 100 + at) }, 'delaySteps'],
    ['has a step that falls', { brokers, delaySteps: [100, 1000, 300] }, 'delaySteps.2'],
    ['has a step twice', { brokers, delaySteps: [1000, '1s'] }, 'delaySteps.1'],
    ['has too short a step', { brokers, delaySteps: [49] }, 'delaySteps.0'],
    ['has too long a step', { brokers, delaySteps: [100, { days: 366 }] }, 'delaySteps.1'],
  ])('that %s is refused where it is wrong: %j', (_, input, path) => {
    expect(refusals(input)).toEqual([path]);
  });

  it.each([['soon'], ['P'], ['PT'], ['P1'], ['1 fortnight'], ['-1s'], [{}], [{ second: 1 }], [null], [true], [NaN]])(
    'with a step that is no duration is refused with what one is: %j',
    step => {
      const message = configSchema.safeParse({ brokers, delaySteps: [step] }).error?.message;
      expect(message).toMatch(/milliseconds or a duration such as '30s'.*from 50 ms to 365 days/);
    },
  );

  it('says at once which key is missing', () => {
    expect(configSchema.safeParse(undefined).error?.message).toMatch(/set brokers/);
    expect(configSchema.safeParse({}).error?.message).toMatch(/list of some of the brokers.*:9092/);
  });

  it('never repeats a secret when it refuses one', () => {
    for (const input of [
      { brokers, sasl: 'geheim' },
      { brokers, sasl: { ...sasl, password: ['geheim'] } },
      { brokers, ssl: 'geheim' },
      { brokers, ssl: { cert: 'PEM', key: 'geheim', passphrase: { geheim: 1 } } },
      { brokers: ['user:geheim@a:9092'] },
    ]) {
      const { error } = configSchema.safeParse(input);
      expect(error).toBeDefined();
      expect(`${error?.message} ${JSON.stringify(error?.issues)}`).not.toContain('geheim');
    }
  });

  it('needs nothing but brokers', () => {
    expect(configSchema.parse({ brokers })).toEqual({
      brokers,
      clientId: 'backstage-backend',
      topicPrefix: 'switchyard',
      partitions: 6,
      autoCreateTopics: true,
      delaySteps: [100, 300, 1000, 3000, 10_000, 30_000, 120_000, 600_000, 3_600_000, 21_600_000, DAY_MS],
      maxUncommitted: 1000,
    });
  });

  it('names each broker with its port', () => {
    const { brokers: read } = configSchema.parse({ brokers: 'kafka-1, kafka-2:19092 ,[fe80::1]' });
    expect(read).toEqual(['kafka-1:9092', 'kafka-2:19092', '[fe80::1]:9092']);
  });

  it('converts what environment variables yield', () => {
    const input = { partitions: '12', replicationFactor: '3', autoCreateTopics: 'false', maxUncommitted: '500' };
    const bytes = { maxMessageBytes: '262144' };
    expect(configSchema.parse({ brokers, ...input, ...bytes, ssl: 'true' })).toMatchObject({
      partitions: 12,
      replicationFactor: 3,
      autoCreateTopics: false,
      maxUncommitted: 500,
      maxMessageBytes: 262_144,
      ssl: true,
    });
    expect(configSchema.parse({ brokers, ssl: { rejectUnauthorized: 'false' } }).ssl).toEqual({
      rejectUnauthorized: false,
    });
  });

  it('takes the name of a mechanism as brokers write it', () => {
    const { sasl: read } = configSchema.parse({ brokers, sasl: { ...sasl, mechanism: 'SCRAM-SHA-512' } });
    expect(read?.mechanism).toBe('scram-sha-512');
  });

  it.each([
    [
      ['100', '0.5s', '1500 ms'],
      [100, 500, 1500],
    ],
    [
      ['1s', '2 seconds', '3 mins', '1.5h', '1 day', '2w', '1 year'],
      [1000, 2000, 180_000, 5_400_000, DAY_MS, 14 * DAY_MS, 365 * DAY_MS],
    ],
    [
      ['PT0.5S', 'PT1M', 'PT1H30M', 'P1D', 'P1DT1H', 'P1W', 'P1M'],
      [500, 60_000, 5_400_000, DAY_MS, DAY_MS + 3_600_000, 7 * DAY_MS, 30 * DAY_MS],
    ],
    [
      [{ milliseconds: 99.5 }, { seconds: 1, milliseconds: 500 }, { minutes: '2' }, { hours: 1 }, { years: 1 }],
      [100, 1500, 120_000, 3_600_000, 365 * DAY_MS],
    ],
  ])('has steps as Backstage writes durations: %j', (delaySteps, expected) => {
    expect(configSchema.parse({ brokers, delaySteps }).delaySteps).toEqual(expected);
  });
});
