import { readFileSync } from 'node:fs';
import { type Outcome, QueueError, type Settlement, type StoreQueue } from '@switchyard/queue-api';
import { testSecureKafka, testServer } from '@switchyard/test-servers';
import { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } from 'kafkajs';
import { describe, expect, it, vi } from 'vitest';
import { classify } from '../src/classify.ts';
import { configSchema } from '../src/config.ts';
import { connectKafkaStore } from '../src/kafka-store.ts';
import { asOperator, logOf } from './look.ts';
import { asJob, IN_TIME, newJob, openStore, reserve, takeOne } from './open-store.ts';

const server = await testSecureKafka();
const { ca, users, listeners } = server;
const saslSsl = `${listeners.saslSsl.host}:${listeners.saslSsl.port}`;
const ssl = `${listeners.ssl.host}:${listeners.ssl.port}`;
const SOON = { timeout: 15_000, interval: 200 };

const scram = (username: string, password: string) => ({ mechanism: 'scram-sha-512', username, password });
/** As `app`, who may do nothing until somebody grants it. */
const AS_APP = { brokers: saslSsl, settings: { ssl: { ca }, sasl: scram(users.app.username, users.app.password) } };

/** What adding a job and working on it say. */
async function addAndWork({ queue }: { readonly queue: StoreQueue }) {
  const job = newJob();
  const added = await queue.enqueue([job], IN_TIME);
  const { id, receipt } = await takeOne(queue);
  const done = await queue.settle([{ kind: 'ack', receipt }], IN_TIME);
  expect({ added, id, done }).toEqual({ added: [{ ok: true }], id: job.id, done: [{ ok: true }] });
}

/** What connecting with these settings fails with. It must not take longer than the contract allows. */
async function refusal(brokers: string, settings: object): Promise<{ code: string; message: string }> {
  const since = performance.now();
  const context = { report() {}, deadLetters: { maxAgeMs: 1, maxCount: 1 } };
  const error = await failureOf(connectKafkaStore(configSchema.parse({ brokers, ...settings }), context));
  expect(performance.now() - since).toBeLessThan(10_000);
  return { code: classify(error), message: error.message };
}

function failureOf(work: Promise<unknown>): Promise<Error> {
  return work.then(
    () => new Error('It worked'),
    (reason: unknown) => reason as Error,
  );
}

describe('TLS', () => {
  it('works with the certificate of an authority', async () => {
    await using scene = await openStore({ brokers: ssl, settings: { ssl: { ca } } });
    await addAndWork(scene);
  });

  it('works without looking at certificates, where that is asked for', async () => {
    await using scene = await openStore({ brokers: ssl, settings: { ssl: { rejectUnauthorized: false } } });
    await addAndWork(scene);
  });

  it('refuses a certificate of somebody unknown, and one for another host', async () => {
    expect(await refusal(ssl, { ssl: true })).toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/self-signed certificate/),
    });
    expect(await refusal(ssl, { ssl: { ca, servername: 'elsewhere.example.com' } })).toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/elsewhere\.example\.com/),
    });
  });

  it('that is missing, or is too much, is an error in time', async () => {
    expect(await refusal(ssl, {})).toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/requires TLS/),
    });
    expect(await refusal(server.url, { ssl: { ca } })).toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/verify the broker supports TLS/),
    });
  });
});

describe('a user', () => {
  it.each(['plain', 'scram-sha-256', 'scram-sha-512'])('is let in by %s', async mechanism => {
    const sasl = { mechanism, ...users.admin };
    await using scene = await openStore({ brokers: saslSsl, settings: { ssl: { ca }, sasl } });
    await addAndWork(scene);
  });

  it.each(['plain', 'scram-sha-256', 'scram-sha-512'])('with a wrong password is told so by %s', async mechanism => {
    const sasl = { mechanism, username: 'admin', password: 'wrong' };
    const { code, message } = await refusal(saslSsl, { ssl: { ca }, sasl });
    expect({ code, message }).toMatchObject({
      code: 'denied',
      message: expect.stringMatching(/authentication failed/i),
    });
    expect(message).not.toContain('wrong');
  });

  it('where nobody is asked for a name is told so', async () => {
    const { url } = await testServer('kafka');
    expect(await refusal(url, { sasl: { mechanism: 'plain', ...users.admin } })).toMatchObject({ code: 'denied' });
  });

  it('who has to give a name and gives none is not let in', async () => {
    // Brokers say their versions to everybody, and then end the connection.
    const error = await failureOf(openStore({ brokers: saslSsl, settings: { ssl: { ca } } }));
    expect([classify(error), error.message]).toEqual([
      'unavailable',
      expect.stringMatching(/Connection closed.*kafka\.sasl/),
    ]);
  });
});

/** The commands of the README below these words, as arguments of `kafka-acls`, for another user and prefix. */
function readmeRights(title: string, prefix: string): string[][] {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const [, block = ''] = new RegExp(`\\*\\*${title}\\*\\*[^\`]*\`\`\`sh\\n(.*?)\`\`\``, 's').exec(readme) ?? [];
  return block
    .replaceAll('\\\n', ' ')
    .trim()
    .split('\n')
    .map(command =>
      command
        .trim()
        .split(/\s+/)
        .slice('kafka-acls.sh --bootstrap-server host'.split(' ').length)
        .map(word => word.replace(/^User:.*/, 'User:app').replace(/^switchyard\./, `${prefix}.`)),
    );
}

/** One right of one kind of resource. */
interface Right {
  readonly resource: '--topic' | '--group';
  readonly operation: string;
}

function rightsIn(commands: readonly (readonly string[])[]): Right[] {
  return commands.flatMap(words => {
    const resource = words.includes('--topic') ? '--topic' : '--group';
    return words.flatMap((word, at) => (word === '--operation' ? [{ resource, operation: words[at + 1] ?? '' }] : []));
  }) as Right[];
}

let prefixes = 0;

/** What `kafka-acls` does, without a JVM. */
async function allow(prefix: string, rights: readonly Right[]): Promise<void> {
  const acl = rights.map(({ resource, operation }) => ({
    resourceType: resource === '--topic' ? AclResourceTypes.TOPIC : AclResourceTypes.GROUP,
    resourceName: `${prefix}.`,
    resourcePatternType: ResourcePatternTypes.PREFIXED,
    principal: 'User:app',
    host: '*',
    operation: AclOperationTypes[operation.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase() as 'READ'],
    permissionType: AclPermissionTypes.ALLOW,
  }));
  if (acl.length === 0) return;
  const [{ resourceType: _type, operation: _operation, ...of }] = acl as [(typeof acl)[number]];
  const any = { resourceType: AclResourceTypes.ANY, operation: AclOperationTypes.ANY };
  await asOperator(server.url, async admin => {
    await admin.createAcls({ acl });
    // The broker takes a moment to know of what it has stored.
    await vi.waitFor(async () => {
      const { resources } = await admin.describeAcls({ ...of, ...any });
      const known = resources.flatMap(({ resourceType, acls }) =>
        acls.map(({ operation }) => ({ resourceType, operation })),
      );
      for (const { resourceType, operation } of acl) expect(known).toContainEqual({ resourceType, operation });
    });
  });
}

/** A user with these rights on topics and groups of a prefix of its own, where a queue is already made. */
async function withRights(rights: readonly Right[]) {
  const topicPrefix = `rights-${++prefixes}`;
  const made = await openStore({ brokers: server.url, settings: { topicPrefix, delaySteps: [50, 100] } });
  await allow(topicPrefix, rights);
  const settings = { ...AS_APP.settings, topicPrefix, delaySteps: [50, 100] };
  return {
    made,
    topicPrefix,
    open: () => openStore({ brokers: saslSsl, name: made.name, settings, pace: { trimEveryMs: 200 } }),
    async [Symbol.asyncDispose]() {
      await made.store.close(IN_TIME);
    },
  };
}

const ADDING = rightsIn(readmeRights('Who adds jobs', 'x'));
const WORKING = rightsIn(readmeRights('Who works', 'x'));
const without = (rights: readonly Right[], resource: Right['resource'], operation: string) =>
  rights.filter(right => right.resource !== resource || right.operation !== operation);

class RefusedError extends QueueError {}

/** Everything that a queue does. What is refused is thrown. */
async function doAll({ queue }: { readonly queue: StoreQueue }): Promise<void> {
  const check = (outcomes: readonly Outcome[]) => {
    for (const outcome of outcomes) if (!outcome.ok) throw new RefusedError(outcome.code, outcome.message ?? '');
  };
  const settle = async (settlement: Settlement) => check(await queue.settle([settlement], IN_TIME));
  check(await queue.enqueue([newJob(), newJob({ delayMs: 60 })], IN_TIME));
  const first = await takeOne(queue);
  await settle({ kind: 'retry', receipt: first.receipt, delayMs: 60, note: 'again' });
  for (let n = 0; n < 2; n++) {
    const { receipt } = await takeOne(queue);
    await settle(n === 0 ? { kind: 'ack', receipt } : { kind: 'dead', receipt, note: 'over' });
  }
  expect(await queue.counts()).toEqual({ waiting: 0, delayed: 0, active: 0 });
}

describe.concurrent('the rights in the README', () => {
  it('are given by its commands, and are those that are tried here', { timeout: 60_000 }, async () => {
    const prefix = 'by-command';
    for (const command of readmeRights('Who works', prefix)) await server.run('kafka-acls', ...command);
    const list = await server.run('kafka-acls', '--list');
    for (const { resource, operation } of WORKING) {
      const name = resource === '--topic' ? 'TOPIC' : 'GROUP';
      const rights = new RegExp(`resourceType=${name}, name=${prefix}\\., [^]*?(?=Current ACLs|$)`).exec(list)?.[0];
      expect(rights).toMatch(
        new RegExp(`operation=${operation.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase()},`),
      );
    }
    expect(WORKING.length).toBeGreaterThanOrEqual(4);
    expect(ADDING.length).toBeGreaterThanOrEqual(2);
  });

  it('of who works are enough to work, and to remove what is finished', async () => {
    await using scene = await withRights(WORKING);
    await using working = await scene.open();
    await doAll(working);
    await vi.waitFor(async () => {
      const log = await asOperator(server.url, admin => logOf(admin, working.topics.main));
      for (const { start, end } of log.values()) expect(start).toBe(end);
    }, SOON);
    expect(working.reports).toEqual([]);
  });

  it('of who adds are enough to add, at once and for later', async () => {
    await using scene = await withRights(ADDING);
    await using adding = await scene.open();
    expect(await adding.queue.enqueue([newJob(), newJob({ delayMs: 60 })], IN_TIME)).toEqual([
      { ok: true },
      { ok: true },
    ]);
    expect(adding.reports).toEqual([]);
    await expect(adding.queue.counts()).rejects.toSatisfy(error => adding.store.classify(error) === 'denied');
  });

  it('of who adds, and Describe on the group, are enough to count', async () => {
    await using scene = await withRights([...ADDING, { resource: '--group', operation: 'Describe' }]);
    await using adding = await scene.open();
    await adding.queue.enqueue([newJob(), newJob({ delayMs: 60_000 })], IN_TIME);
    expect(await adding.queue.counts()).toEqual({ waiting: 1, delayed: 1, active: 0 });
  });

  it.each([
    ['--topic', 'Write', /Write on/],
    ['--topic', 'Read', /Read on/],
    ['--group', 'Read', /Read on.*group/],
  ] as const)('are needed: %s %s', async (resource, operation, why) => {
    await using scene = await withRights(without(WORKING, resource, operation));
    await using working = await scene.open();
    await scene.made.queue.enqueue([newJob()], IN_TIME);
    const failed = await failureOf(doAll(working));
    expect({ code: working.store.classify(failed), message: failed.message }).toEqual({
      code: 'denied',
      message: expect.stringMatching(why),
    });
  });

  it('are needed all: a topic that may not be described is an error that says so', async () => {
    await using scene = await withRights([]);
    await expect(scene.open()).rejects.toSatisfy(
      error => classify(error) === 'denied' && /Describe on/.test(String(error)),
    );
  });

  it('without DescribeConfigs are enough where maxMessageBytes is the usual', async () => {
    await using scene = await withRights(without(WORKING, '--topic', 'DescribeConfigs'));
    await using working = await scene.open();
    await doAll(working);
    expect(working.reports).toEqual([]);
  });

  it('without Delete leave finished jobs where they are, and one warning says so', async () => {
    await using scene = await withRights(without(WORKING, '--topic', 'Delete'));
    await using working = await scene.open();
    await doAll(working);
    await vi.waitFor(() => expect(working.reports.map(({ code }) => code)).toContain('delete-denied'), SOON);
    await doAll(working);
    await vi.waitFor(async () => {
      const log = await asOperator(server.url, admin => logOf(admin, working.topics.main));
      expect([...log.values()].every(({ start }) => start === 0)).toBe(true);
    }, SOON);
    expect(working.reports).toEqual([
      expect.objectContaining({ code: 'delete-denied', message: expect.stringMatching(/allow Delete/) }),
    ]);
  });

  it('and Create are enough to make the topics; without it the error says what to run', async () => {
    await using scene = await withRights(WORKING);
    const { topicPrefix } = scene;
    const settings = { ...AS_APP.settings, topicPrefix };
    await expect(openStore({ brokers: saslSsl, settings })).rejects.toMatchObject({
      message: expect.stringMatching(/AUTHORIZATION_FAILED.*kafka-topics\.sh.*--create/s),
    });
    await allow(topicPrefix, [{ resource: '--topic', operation: 'Create' }]);
    const job = await vi.waitFor(async () => {
      await using fresh = await openStore({ brokers: saslSsl, settings });
      await fresh.queue.enqueue([newJob()], IN_TIME);
      return asJob((await reserve(fresh.queue))[0]);
    }, SOON);
    expect(job.attempt).toBe(1);
  });
});
