import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { testServer } from '@switchyard/test-servers';
import type { Admin, ITopicConfig } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { classify } from '../src/classify.ts';
import { topicNames } from '../src/topic-names.ts';
import { asOperator, settingsOf } from './look.ts';
import { IN_TIME, newJob, openStore, otherClient, reserve, takeOne } from './open-store.ts';
import { RequestLog } from './request-log.ts';

const { url } = await testServer('kafka');
/** As `openStore` parses settings that say nothing of it. */
const STEPS = 11;
const KIB = 1024;
const SOON = { timeout: 10_000, interval: 50 };
const README = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

let admin: Admin;
beforeAll(async () => {
  admin = otherClient(url).admin();
  await admin.connect();
});
afterAll(() => admin.disconnect());

const freshName = () => `work-${randomUUID()}`;
const namesFor = (name: string) => topicNames('switchyard', { plugin: 'test', name });

interface ByHand {
  readonly partitions?: number;
  readonly settings?: Readonly<Record<string, string>>;
}

/** A client of its own: one that asks too early for a topic never stops to ask for it, and fails. */
async function create(topics: ITopicConfig[]): Promise<void> {
  await asOperator(url, async other => {
    await other.createTopics({ topics, waitForLeaders: false });
    const made = topics.map(({ topic }) => topic);
    await vi.waitFor(async () => expect(await other.listTopics()).toEqual(expect.arrayContaining(made)), SOON);
  });
}

/** Topics as an operator makes them. Answers with the name of the queue. */
async function makeTopics(how: { readonly main?: ByHand; readonly delay?: ByHand; readonly dead?: ByHand } = {}) {
  const name = freshName();
  const names = namesFor(name);
  const usual = { main: { partitions: 2 }, delay: { partitions: STEPS }, dead: { partitions: 1 } };
  const kept = { 'retention.ms': '-1', 'retention.bytes': '-1', 'message.timestamp.type': 'LogAppendTime' };
  await create(
    (['main', 'delay', 'dead'] as const).map(kind => ({
      topic: names[kind],
      numPartitions: how[kind]?.partitions ?? usual[kind].partitions,
      configEntries: Object.entries({ ...kept, ...how[kind]?.settings }).map(([key, value]) => ({ name: key, value })),
    })),
  );
  return name;
}

async function partitionsOf(topic: string): Promise<number> {
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  return topics[0]?.partitions.length ?? 0;
}

function failureOf(work: Promise<unknown>): Promise<Error> {
  return work.then(
    () => new Error('It worked'),
    (reason: unknown) => reason as Error,
  );
}

interface Command {
  readonly topic: string;
  readonly numPartitions: number;
  readonly replicationFactor?: number;
  readonly configEntries: { name: string; value: string }[];
}

/** What `kafka-topics.sh --create` would do. */
function commandsIn(message: string): Command[] {
  return message
    .replaceAll('\\\n', '')
    .split('\n')
    .flatMap(line => {
      const [program, ...words] = line.split(/ +/);
      if (program !== 'kafka-topics.sh') return [];
      const value = (flag: string) => words[words.indexOf(flag) + 1] ?? '';
      expect(words).toContain('--create');
      const configEntries = words.flatMap((word, at) => {
        const [name = '', setting = ''] = word === '--config' ? (words[at + 1] ?? '').split('=') : [];
        return name === '' ? [] : [{ name, value: setting }];
      });
      const factor = words.includes('--replication-factor') ? Number(value('--replication-factor')) : undefined;
      return {
        topic: value('--topic'),
        numPartitions: Number(value('--partitions')),
        ...(factor !== undefined && { replicationFactor: factor }),
        configEntries,
      };
    });
}

describe('topics that are missing', () => {
  it('are made with what the README says', async () => {
    await using scene = await openStore({ settings: { partitions: 3, replicationFactor: 1 } });
    const { topics } = scene;
    expect(await Promise.all(Object.values(topics).map(partitionsOf))).toEqual([3, STEPS, 1]);
    const commands = commandsIn(README);
    expect(commands).toHaveLength(3);
    for (const [index, topic] of [topics.main, topics.delay, topics.dead].entries()) {
      const settings = Object.fromEntries(await settingsOf(admin, topic));
      // How many copies must be in sync is a matter of the cluster.
      const said = commands[index]?.configEntries.filter(({ name }) => name !== 'min.insync.replicas') ?? [];
      expect(said.length).toBeGreaterThanOrEqual(4);
      expect(settings).toMatchObject(Object.fromEntries(said.map(({ name, value }) => [name, value])));
    }
    expect(scene.reports).toEqual([]);
  });

  it('are made once by two processes that miss them at the same time', async () => {
    const name = freshName();
    const scenes = await Promise.all(Array.from({ length: 4 }, () => openStore({ name })));
    await Promise.all(scenes.map(({ queue }) => queue.enqueue([newJob()], IN_TIME)));
    expect((await scenes[0]?.queue.counts())?.waiting).toBe(4);
    for (const scene of scenes) await scene[Symbol.asyncDispose]();
  });

  it('that went missing later are made again', async () => {
    await using scene = await openStore();
    const { queue, topics } = scene;
    await queue.enqueue([newJob()], IN_TIME);
    for (const gone of [Object.values(topics), [topics.delay]]) {
      // This client asks for those that it has seen for ever after.
      await asOperator(url, async other => {
        await other.deleteTopics({ topics: gone });
        await vi.waitFor(async () => {
          expect((await other.listTopics()).filter(name => gone.includes(name))).toEqual([]);
        }, SOON);
      });
      const jobs = [newJob(), newJob({ delayMs: 100 }), newJob({ delayMs: 1000 })];
      expect(await queue.enqueue(jobs, IN_TIME)).toEqual(jobs.map(() => ({ ok: true })));
    }
    for (let n = 0; n < 4; n++) await takeOne(queue);
  });

  it('are an error where none may be made, with commands that make them', async () => {
    const name = freshName();
    const settings = { autoCreateTopics: false, partitions: 3, replicationFactor: 1 };
    const error = await failureOf(openStore({ name, settings }));
    expect(error).toMatchObject({ code: 'invalid-config', message: expect.stringContaining(namesFor(name).main) });
    const commands = commandsIn(error.message);
    expect(commands.map(({ topic }) => topic)).toEqual(Object.values(namesFor(name)));
    expect(commands.map(({ replicationFactor }) => replicationFactor)).toEqual([1, 1, 1]);
    await create(commands);
    await using scene = await openStore({ name, settings });
    expect(scene.reports).toEqual([]);
    await scene.queue.enqueue([newJob(), newJob({ delayMs: 50 })], IN_TIME);
    await takeOne(scene.queue);
    await takeOne(scene.queue);
  });

  it('are named, and only those, where some are there', async () => {
    const name = freshName();
    await create([{ topic: namesFor(name).main, numPartitions: 2 }]);
    const { message } = await failureOf(openStore({ name, settings: { autoCreateTopics: false } }));
    expect(commandsIn(message).map(({ topic }) => topic)).toEqual([namesFor(name).delay, namesFor(name).dead]);
  });

  it('cannot be made with more copies than there are brokers, which is said', async () => {
    const error = await failureOf(openStore({ settings: { replicationFactor: 3 } }));
    expect([classify(error), error.message]).toEqual([
      'invalid-config',
      expect.stringMatching(/INVALID_REPLICATION_FACTOR.*replication factor of 3/is),
    ]);
  });
});

describe('topics that are there', () => {
  it('are used as they are', async () => {
    const name = await makeTopics({ main: { partitions: 5 }, dead: { partitions: 2 } });
    await using scene = await openStore({ name });
    expect(scene.reports).toEqual([]);
    await scene.queue.enqueue(
      Array.from({ length: 10 }, () => newJob()),
      IN_TIME,
    );
    const offsets = await admin.fetchTopicOffsets(scene.topics.main);
    expect(offsets.map(({ high }) => high)).toEqual(['2', '2', '2', '2', '2']);
  });

  it.each(['main', 'delay'] as const)('and are compacted are refused: %s', async kind => {
    for (const policy of ['compact', 'compact,delete']) {
      const name = await makeTopics({ [kind]: { settings: { 'cleanup.policy': policy } } });
      const error = await failureOf(openStore({ name }));
      expect(error).toMatchObject({
        code: 'invalid-config',
        message: expect.stringMatching(/cleanup\.policy.*delete/),
      });
      expect(error.message).toContain(namesFor(name)[kind]);
    }
  });

  it.each([
    ['retention.ms', '3600000', 'retention-ms-set'],
    ['retention.bytes', '1000000', 'retention-bytes-set'],
  ])('and delete jobs by %s are warned about', async (key, value, code) => {
    const name = await makeTopics({ main: { settings: { [key]: value } } });
    await using scene = await openStore({ name });
    expect(scene.reports).toEqual([
      expect.objectContaining({ level: 'warning', code, message: expect.stringContaining(`${key}=${value}`) }),
    ]);
  });

  it('and are stamped by who produces are warned about', async () => {
    const name = await makeTopics({ delay: { settings: { 'message.timestamp.type': 'CreateTime' } } });
    await using scene = await openStore({ name });
    expect(scene.reports).toEqual([
      expect.objectContaining({
        level: 'warning',
        code: 'timestamp-type',
        message: expect.stringMatching(/LogAppendTime/),
      }),
    ]);
  });

  it('with fewer partitions than steps delay in more hops, and say so', async () => {
    const name = await makeTopics({ delay: { partitions: 2 } });
    await using scene = await openStore({ name, settings: { delaySteps: [50, 100, 1000] } });
    expect(scene.reports).toEqual([
      expect.objectContaining({
        code: 'delay-partitions',
        message: expect.stringMatching(/2 partitions.*3 steps.*100 ms/),
      }),
    ]);
    await scene.queue.enqueue([newJob({ delayMs: 1100 })], IN_TIME);
    await takeOne(scene.queue);
    const offsets = await admin.fetchTopicOffsets(scene.topics.delay);
    expect(offsets.reduce((sum, { high }) => sum + Number(high), 0)).toBeGreaterThan(5);
  });
});

describe('the largest record', () => {
  /** A job whose record has as many bytes as `bytes` says, or so: none has headers. */
  const jobOf = (bytes: number) => newJob({ body: JSON.stringify('x'.repeat(bytes)) });

  it('is what the topic says, and what is larger is refused with both sizes before anything is sent', async () => {
    const limit = 128 * KIB;
    const name = await makeTopics({ main: { settings: { 'max.message.bytes': String(limit) } } });
    await using scene = await openStore({ name });
    using log = new RequestLog();
    expect(await scene.queue.enqueue([jobOf(limit)], IN_TIME)).toEqual([
      {
        ok: false,
        code: 'payload-too-large',
        message: expect.stringMatching(new RegExp(`1[34]\\d{4} bytes.*${limit}`)),
      },
    ]);
    expect(log.since(0)['Produce']).toBeUndefined();
    expect(await scene.queue.enqueue([newJob(), jobOf(limit), newJob()], IN_TIME)).toEqual([
      { ok: true },
      expect.objectContaining({ code: 'payload-too-large' }),
      { ok: true },
    ]);
  });

  it('is what the setting says, where topics are made for it', async () => {
    const limit = 2 * KIB * KIB;
    await using scene = await openStore({ settings: { maxMessageBytes: limit } });
    expect((await settingsOf(admin, scene.topics.delay)).get('max.message.bytes')).toBe(String(limit));
    const job = jobOf(limit - 16 * KIB);
    expect(await scene.queue.enqueue([job], IN_TIME)).toEqual([{ ok: true }]);
    expect(await takeOne(scene.queue)).toMatchObject({ id: job.id, body: job.body });
  });

  it('that the store declares can be retried, with the longest note, and die', async () => {
    await using scene = await openStore();
    const { queue, store } = scene;
    const headers = { headers: 'x'.repeat(4 * KIB - 100) };
    const job = newJob({ body: JSON.stringify('x'.repeat(store.capabilities.maxBodyBytes - 2)), headers });
    expect(await queue.enqueue([job, newJob()], IN_TIME)).toEqual([{ ok: true }, { ok: true }]);
    const note = 'n'.repeat(8 * KIB);
    let receipt: unknown;
    for (const kind of ['retry', 'release', 'retry', 'dead'] as const) {
      const taken = [...(await reserve(queue)), ...(await reserve(queue, { waitMs: 200 }))];
      receipt = taken.find(delivery => delivery.kind === 'job' && delivery.id === job.id)?.receipt;
      expect(receipt).toBeDefined();
      expect(await queue.settle([{ kind, receipt, delayMs: 100, note }], IN_TIME)).toEqual([{ ok: true }]);
    }
  });

  it('of many at once is no matter: they leave in batches that are taken', async () => {
    const name = await makeTopics({ main: { partitions: 1, settings: { 'max.message.bytes': String(128 * KIB) } } });
    await using scene = await openStore({ name });
    const jobs = Array.from({ length: 20 }, () => jobOf(60 * KIB));
    expect(await scene.queue.enqueue(jobs, IN_TIME)).toEqual(jobs.map(() => ({ ok: true })));
    expect((await scene.queue.counts()).waiting).toBe(20);
  });
});
