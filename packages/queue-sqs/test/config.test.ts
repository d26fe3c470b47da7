import { describe, expect, it } from 'vitest';
import { capabilitiesFor } from '../src/capabilities.ts';
import { createClient } from '../src/client.ts';
import { configSchema } from '../src/config.ts';

const url = 'https://sqs.eu-central-1.amazonaws.com/123456789012/emails';
const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };

function refusals(input: unknown): string[] {
  const issues = configSchema.safeParse(input).error?.issues ?? [];
  return issues.flatMap(issue =>
    issue.code === 'unrecognized_keys' ? issue.keys.map(key => [...issue.path, key].join('.')) : [issue.path.join('.')],
  );
}

describe('a configuration', () => {
  it.each([
    [undefined],
    [null],
    [{}],
    [{ region: 'eu-central-1' }],
    [{ region: 'eu-central-1', endpoint: 'https://vpce-1.sqs.eu-central-1.vpce.amazonaws.com', credentials }],
    [{ endpoint: 'http://localhost:9324', credentials: { ...credentials, sessionToken: 'c' } }],
    [{ autoCreate: false, queues: { emails: { url }, 'catalog/emails': { url: `${url}-2` } } }],
    [{ queueNamePrefix: 'my_team-1', maxMessageBytes: 262_144 }],
  ])('is taken: %j', input => {
    expect(refusals(input)).toEqual([]);
  });

  it.each([
    ['is no object', 'eu-central-1', ''],
    ['is no object', 5, ''],
    ['has an unknown key', { regio: 'x' }, 'regio'],
    ['has an unknown key', { credentials: { ...credentials, token: 'x' } }, 'credentials.token'],
    ['has an unknown key', { queues: { a: { url, name: 'x' } } }, 'queues.a.name'],
    [
      'has one name in two accounts',
      { queues: { a: { url }, b: { url: url.replace('123456789012', '210987654321') } } },
      'queues.b.url',
    ],
    ['has jobs where dead letters go', { queues: { a: { url }, b: { url: `${url}-dead` } } }, 'queues.b.url'],
    ['has an empty region', { region: '' }, 'region'],
    ['has a region of the wrong type', { region: 1 }, 'region'],
    ['has an endpoint without a scheme', { endpoint: 'localhost:9324' }, 'endpoint'],
    ['has an endpoint with another scheme', { endpoint: 'tcp://localhost' }, 'endpoint'],
    ['has credentials in its endpoint', { endpoint: 'http://user:geheim@localhost' }, 'endpoint'],
    ['has half a pair of credentials', { credentials: { accessKeyId: 'a' } }, 'credentials.secretAccessKey'],
    ['has credentials of the wrong type', { credentials: 'a:b' }, 'credentials'],
    ['has no flag where one belongs', { autoCreate: 'maybe' }, 'autoCreate'],
    ['has a dot in its prefix', { queueNamePrefix: 'a.b' }, 'queueNamePrefix'],
    ['has what separates names in its prefix', { queueNamePrefix: 'a__b' }, 'queueNamePrefix'],
    ['has an underscore at the end of its prefix', { queueNamePrefix: 'a_' }, 'queueNamePrefix'],
    ['has an empty prefix', { queueNamePrefix: '' }, 'queueNamePrefix'],
    ['has a prefix that leaves no room', { queueNamePrefix: 'a'.repeat(41) }, 'queueNamePrefix'],
    ['has a queue that is only a URL', { queues: { a: url } }, 'queues.a'],
    ['has a queue without a URL', { queues: { a: {} } }, 'queues.a.url'],
    ['has a queue by its ARN', { queues: { a: { url: 'arn:aws:sqs:x:1:emails' } } }, 'queues.a.url'],
    ['has a queue URL without a queue', { queues: { a: { url: 'https://sqs.x.amazonaws.com/' } } }, 'queues.a.url'],
    ['has two queues in one place', { queues: { a: { url }, b: { url } } }, 'queues.b.url'],
    ['has no list of queues', { queues: [] }, 'queues'],
    ['allows hardly any bytes', { maxMessageBytes: 1024 }, 'maxMessageBytes'],
    ['allows more bytes than SQS', { maxMessageBytes: 1_048_577 }, 'maxMessageBytes'],
  ])('that %s is refused where it is wrong: %j', (_, input, path) => {
    expect(refusals(input)).toEqual([path]);
  });

  it('with a FIFO queue is refused with the reason and what to do', () => {
    const message = configSchema.safeParse({ queues: { a: { url: `${url}.fifo` } } }).error?.message;
    expect(message).toMatch(/FIFO.*no delays.*hold up.*Create a standard queue/);
  });

  it('never repeats a secret when it refuses one', () => {
    for (const input of [
      { credentials: 'geheim' },
      { credentials: { accessKeyId: 'a', secretAccessKey: ['geheim'] } },
      { endpoint: 'http://user:geheim@localhost' },
    ]) {
      expect(configSchema.safeParse(input).error?.message).not.toContain('geheim');
    }
  });

  it('converts what environment variables yield', () => {
    expect(configSchema.parse({ autoCreate: 'false', maxMessageBytes: '262144' })).toMatchObject({
      autoCreate: false,
      maxMessageBytes: 262_144,
    });
  });

  it('for a server with a smaller limit leaves as much less to payloads', () => {
    const [now, before] = [1_048_576, 262_144].map(bytes => capabilitiesFor(bytes).maxBodyBytes);
    expect(now! - before!).toBe(1_048_576 - 262_144);
  });

  it('without a region anywhere says which key to set', async () => {
    const environment = { ...process.env };
    for (const name of ['AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_PROFILE']) delete process.env[name];
    process.env['AWS_CONFIG_FILE'] = process.env['AWS_SHARED_CREDENTIALS_FILE'] = '/nowhere';
    try {
      await expect(createClient(configSchema.parse({}))).rejects.toMatchObject({
        code: 'invalid-config',
        message: expect.stringMatching(/sqs\.region.*AWS_REGION/),
      });
    } finally {
      process.env = environment;
    }
  });
});
