import { randomUUID } from 'node:crypto';
import { CreateQueueCommand, type QueueAttributeName } from '@aws-sdk/client-sqs';
import { createQueueService } from '@switchyard/queue-service';
import { sqsAdapter } from '@switchyard/queue-sqs';
import { testServer } from '@switchyard/test-servers';
import { describe, expect, it, vi } from 'vitest';
import { configSchema } from '../src/config.ts';
import { connectSqsStore } from '../src/sqs-store.ts';
import { IN_TIME, newJob, openStore, plainClient, settingsFor, takeOne } from './open-store.ts';
import { requestProxy } from './request-proxy.ts';

const { url } = await testServer('sqs');

/** Makes a queue as an operator would. */
async function makeQueue(Attributes: Partial<Record<QueueAttributeName, string>> = {}, name = `made-${randomUUID()}`) {
  const client = plainClient(url);
  const { QueueUrl = '' } = await client.send(new CreateQueueCommand({ QueueName: name, Attributes }));
  client.destroy();
  return { name, url: QueueUrl };
}

async function redrivenQueue(maxReceiveCount: number) {
  const { name } = await makeQueue();
  const deadLetterTargetArn = `arn:aws:sqs:elasticmq:000000000000:${name}`;
  return makeQueue({ RedrivePolicy: JSON.stringify({ deadLetterTargetArn, maxReceiveCount }) });
}

/** A store whose queue `work` is the one that was made. */
function openMade(made: { url: string }, options: { maxAttempts?: number; settings?: object } = {}) {
  const settings = { queues: { 'test/work': { url: made.url } }, ...options.settings };
  return openStore({ ...options, name: 'work', settings });
}

describe('a missing queue', () => {
  it('is made, for fourteen days, and so is the one for its dead letters; neither is made twice', async () => {
    await using proxy = await requestProxy();
    await using scene = await openStore({ endpoint: proxy.url });
    const { queue, names } = scene;
    await queue.enqueue([newJob()], IN_TIME);
    await takeOne(queue);
    await vi.waitFor(() => expect(proxy.count('CreateQueue')).toBe(2));
    const made = proxy.seen.filter(({ action }) => action === 'CreateQueue').map(({ input }) => input);
    expect(made).toEqual(
      [names.main, names.dead].map(name => ({ QueueName: name, Attributes: { MessageRetentionPeriod: '1209600' } })),
    );
    await using again = await openStore({ endpoint: proxy.url, name: scene.name });
    await takeOne(again.queue, { waitMs: 0 }).catch(() => {});
    await vi.waitFor(() => expect(proxy.count('GetQueueUrl')).toBe(4));
    expect(proxy.count('CreateQueue')).toBe(2);
  });

  it('is made once by many that miss it at the same time', async () => {
    const name = `work-${randomUUID()}`;
    const scenes = await Promise.all(Array.from({ length: 5 }, () => openStore({ name })));
    await Promise.all(scenes.map(({ queue }) => queue.enqueue([newJob()], IN_TIME)));
    expect((await scenes[0]!.queue.counts()).waiting).toBe(5);
    for (const scene of scenes) await scene[Symbol.asyncDispose]();
  });

  it('is an error that names queue, region and actions where it may not be made', async () => {
    await expect(openStore({ name: 'nowhere', settings: { autoCreate: false } })).rejects.toMatchObject({
      code: 'invalid-config',
      message: expect.stringMatching(
        /switchyard__test__nowhere .*elasticmq.*sqs:GetQueueUrl and sqs:SendMessage.*sqs:ReceiveMessage/,
      ),
    });
  });

  it('that went missing later is made again', async () => {
    await using proxy = await requestProxy();
    await using scene = await openStore({ endpoint: proxy.url });
    const { store, queue } = scene;
    let gone = true;
    proxy.decide = ({ action }) => {
      if (!gone || action === 'CreateQueue') {
        gone = false;
        return 'pass';
      }
      return { status: 400, body: { __type: 'com.amazonaws.sqs#QueueDoesNotExist', message: 'gone' } };
    };
    const failed = await queue.enqueue([newJob()], IN_TIME).catch((error: unknown) => error);
    expect(store.classify(failed)).toBe('unavailable');
    expect(await queue.enqueue([newJob()], IN_TIME)).toEqual([{ ok: true }]);
  });
});

describe('a redrive policy', () => {
  it.each([
    [3, 5],
    [5, 5],
  ])('that takes jobs after %i receives is refused where they run %i times', async (receives, maxAttempts) => {
    await expect(openMade(await redrivenQueue(receives), { maxAttempts })).rejects.toMatchObject({
      code: 'invalid-config',
      message: expect.stringMatching(
        new RegExp(`maxReceiveCount ${receives}.* ${maxAttempts} times \\(maxAttempts\\)`),
      ),
    });
  });

  it('is measured by what the queue is opened with, through the engine', async () => {
    const { name, url: queueUrl } = await redrivenQueue(6);
    const sqs = { ...settingsFor(url), queues: { [name]: { url: queueUrl } } };
    const service = createQueueService({ adapters: [sqsAdapter], defaultStore: 'sqs', sqs });
    await expect(service.getQueue(name, { maxAttempts: 6 })).rejects.toThrow(/maxReceiveCount 6.* 6 times/);
    await expect(service.getQueue(name)).resolves.toBeDefined();
    await service.close();
  });

  it('that leaves room for all attempts is none of our business', async () => {
    await using scene = await openMade(await redrivenQueue(6), { maxAttempts: 5 });
    expect(await scene.queue.enqueue([newJob()], IN_TIME)).toEqual([{ ok: true }]);
  });
});

describe('a queue of somebody else', () => {
  it('is used by its URL, with dead letters beside it', async () => {
    const made = await makeQueue();
    await using scene = await openMade(made);
    const { queue, look } = scene;
    const job = newJob({ body: '"doomed"' });
    await queue.enqueue([job], IN_TIME);
    const { receipt } = await takeOne(queue);
    expect(await queue.settle([{ kind: 'dead', receipt, note: 'over' }], IN_TIME)).toEqual([{ ok: true }]);
    expect((await look(`${made.name}-dead`)).map(({ Body }) => Body)).toEqual(['"doomed"']);
  });

  it('belongs to one plugin: by the queue’s name alone it is refused', async () => {
    const made = await makeQueue();
    const settings = { queues: { work: { url: made.url } } };
    await expect(openStore({ name: 'work', settings })).rejects.toMatchObject({
      code: 'invalid-config',
      message: expect.stringContaining('test/work'),
    });
    const config = configSchema.parse({ ...settingsFor(url), ...settings });
    const store = await connectSqsStore(config, { report() {} });
    const outside = await store.open({ plugin: '', name: 'work' });
    expect(await outside.enqueue([newJob()], IN_TIME)).toEqual([{ ok: true }]);
    await store.close(IN_TIME);
  });

  it('that deletes jobs before fourteen days is warned about', async () => {
    await using proxy = await requestProxy();
    proxy.rewrite = ({ action }, answer) =>
      action === 'GetQueueAttributes'
        ? { status: 200, body: { Attributes: { MessageRetentionPeriod: '345600' } } }
        : answer;
    await using scene = await openStore({ endpoint: proxy.url });
    expect(scene.reports).toEqual([
      expect.objectContaining({ code: 'short-retention', message: expect.stringContaining('4.00 days') }),
    ]);
  });

  it('of dead letters that loses some, or takes no large ones, is warned about', async () => {
    await using proxy = await requestProxy();
    proxy.rewrite = ({ action, input }, answer) =>
      action === 'GetQueueAttributes' && String(input['QueueUrl']).endsWith('-dead')
        ? { status: 200, body: { Attributes: { MessageRetentionPeriod: '86400', MaximumMessageSize: '65536' } } }
        : answer;
    await using scene = await openStore({ endpoint: proxy.url });
    await scene.queue.enqueue([newJob()], IN_TIME);
    await takeOne(scene.queue);
    await vi.waitFor(() => expect(scene.reports).toHaveLength(2));
    expect(scene.reports).toEqual([
      expect.objectContaining({ code: 'short-retention', message: expect.stringContaining('1.00 days') }),
      expect.objectContaining({ code: 'dead-queue-size', message: expect.stringMatching(/65536.*1048576/) }),
    ]);
  });

  it('that takes smaller messages than the configuration says refuses a job with both sizes, and sends its neighbours', async () => {
    await using proxy = await requestProxy();
    proxy.rewrite = ({ action }, answer) =>
      action === 'GetQueueAttributes' ? { status: 200, body: { Attributes: { MaximumMessageSize: '2048' } } } : answer;
    await using scene = await openStore({ endpoint: proxy.url });
    const body = JSON.stringify('x'.repeat(3000));
    const outcomes = await scene.queue.enqueue([newJob(), newJob({ body }), newJob()], IN_TIME);
    expect(outcomes).toEqual([
      { ok: true },
      { ok: false, code: 'payload-too-large', message: expect.stringMatching(/3\d\d\d bytes.*2048/) },
      { ok: true },
    ]);
    expect(proxy.count('SendMessage')).toBe(1);
  });
});
