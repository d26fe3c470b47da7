import { testServer } from '@switchyard/test-servers';
import { expect, it, onTestFinished } from 'vitest';
import { classify } from '../src/classify.ts';
import { checkVersions } from '../src/kafka/meet-broker.ts';
import { Cluster } from '../src/kafka/cluster.ts';

const { address } = await testServer('kafka');

interface Range {
  readonly apiKey: number;
  readonly minVersion: number;
  readonly maxVersion: number;
}

/** Only what is asked here. */
function brokerOf(apiKeys: readonly Range[]): Cluster {
  return { ask: () => Promise.resolve({ apiKeys }) } as unknown as Cluster;
}

const failureOf = (work: Promise<void>) =>
  work.then(
    () => new Error('It was taken'),
    (error: unknown) => error as Error,
  );

/** What the broker of these tests speaks. */
async function spoken(): Promise<Range[]> {
  const cluster = new Cluster([address], { clientId: 'test', security: {}, connectTimeoutMs: 3000 });
  onTestFinished(() => cluster.close());
  const asked: Range[] = [];
  const listening = {
    ask: async (...args: Parameters<Cluster['ask']>) => {
      const answer = (await cluster.ask(...args)) as { apiKeys: Range[] };
      asked.push(...answer.apiKeys);
      return answer;
    },
  } as unknown as Cluster;
  await checkVersions(listening, 5000);
  return asked;
}

const FETCH = 1;
const DELETE_RECORDS = 21;

it('a broker that speaks what is needed is taken', async () => {
  const ranges = await spoken();
  expect(ranges.length).toBeGreaterThan(20);
  await checkVersions(brokerOf(ranges), 1000);
});

it.each([
  ['an earlier version', { maxVersion: 12 }, /Fetch in version 13 \(\d+ to 12\).*Kafka 3\.1 or later/],
  ['only later versions', { minVersion: 14 }, /Fetch in version 13 \(14 to \d+\)/],
])('a broker that speaks %s of one request is refused by name', async (_, range, why) => {
  const ranges = (await spoken()).map(known => (known.apiKey === FETCH ? { ...known, ...range } : known));
  const error = await failureOf(checkVersions(brokerOf(ranges), 1000));
  expect([classify(error), error.message]).toEqual(['invalid-config', expect.stringMatching(why)]);
});

it('a server that does not know one of them at all is refused', async () => {
  const ranges = (await spoken()).filter(({ apiKey }) => apiKey !== DELETE_RECORDS);
  await expect(checkVersions(brokerOf(ranges), 1000)).rejects.toThrow(/DeleteRecords in version \d+ \(none\)/);
});

it('no broker at all is an error that may pass', async () => {
  const cluster = new Cluster([{ host: '127.0.0.1', port: 1 }], {
    clientId: 'test',
    security: {},
    connectTimeoutMs: 1000,
  });
  onTestFinished(() => cluster.close());
  expect(classify(await failureOf(checkVersions(cluster, 2000)))).toBe('unavailable');
});
