import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { createQueueService } from '@switchyard/queue-service';
import { sqsAdapter } from '@switchyard/queue-sqs';
import { testServer } from '@switchyard/test-servers';
import { expect, it, vi } from 'vitest';
import { physicalNames } from '../src/queue-names.ts';
import { asJob, IN_TIME, newJob, openStore, reserve, settingsFor, takeOne } from './open-store.ts';

/** Sends as somebody who does not know us would. */
function sendByHand({ client }: Awaited<ReturnType<typeof openStore>>, url: string, message: object) {
  return client.send(new SendMessageCommand({ QueueUrl: url, MessageBody: '', ...message }));
}

async function urlOf(queueName: string): Promise<string> {
  return `${(await testServer('sqs')).url}/000000000000/${queueName}`;
}

it('a dead job lies beside its queue with body, error, attempts and times', async () => {
  await using scene = await openStore();
  const { queue, names, look } = scene;
  const job = newJob({ body: '"doomed"', headers: { a: 'b' } });
  await queue.enqueue([job], IN_TIME);
  const first = await takeOne(queue);
  await queue.settle([{ kind: 'retry', receipt: first.receipt, delayMs: 0, note: '' }], IN_TIME);
  const { receipt } = await takeOne(queue);
  const note = JSON.stringify({ error: { name: 'Error', message: 'bell \u0007 \ufffe ~' } });
  await queue.settle([{ kind: 'dead', receipt, note }], IN_TIME);
  const [letter] = await look(names.dead);
  const attributes = Object.fromEntries(
    Object.entries(letter?.MessageAttributes ?? {}).map(([name, { StringValue }]) => [name, StringValue]),
  );
  expect(letter?.Body).toBe('"doomed"');
  expect(attributes).toMatchObject({
    'switchyard.attempts': '2',
    'switchyard.added-at': expect.stringMatching(/^2\d{3}-.*Z$/),
    'switchyard.died-at': expect.stringMatching(/^2\d{3}-.*Z$/),
  });
  expect(attributes['switchyard.note']).toContain('"name":"Error"');
  expect(JSON.parse(attributes['switchyard'] ?? '')).toMatchObject({ id: job.id, headers: { a: 'b' } });
});

it('a dead job that somebody moves back runs anew, from its first attempt', async () => {
  await using scene = await openStore();
  const { queue, names, look } = scene;
  const job = newJob({ body: '"again \ufffe"' });
  await queue.enqueue([job], IN_TIME);
  const { receipt } = await takeOne(queue);
  await queue.settle([{ kind: 'dead', receipt, note: 'n' }], IN_TIME);
  const [letter] = await look(names.dead);
  const { Body: MessageBody, MessageAttributes } = letter!;
  await sendByHand(scene, await urlOf(names.main), { MessageBody, MessageAttributes });
  expect(await takeOne(queue)).toMatchObject({ id: job.id, body: job.body, attempt: 1 });
});

it('a foreign message lies there with its bytes and all its attributes; its neighbours run', async () => {
  await using scene = await openStore();
  const { queue, names, look } = scene;
  const binary = { DataType: 'Binary.png', BinaryValue: Uint8Array.of(0, 255, 1) };
  const own = Object.fromEntries(
    Array.from({ length: 9 }, (_, n) => [`own-${n}`, { DataType: 'String', StringValue: `${n}` }]),
  );
  const messages = [
    { MessageBody: '{"Type":"Notification","Message":"from SNS"}', MessageAttributes: { picture: binary } },
    { MessageBody: 'by hand', MessageAttributes: own },
    { MessageBody: 'later', MessageAttributes: { switchyard: { DataType: 'String', StringValue: '{"v":2}' } } },
    { MessageBody: 'odd', MessageAttributes: { switchyard: { DataType: 'String', StringValue: '[1' } } },
  ];
  for (const message of messages) await sendByHand(scene, await urlOf(names.main), message);
  const job = newJob();
  await queue.enqueue([job], IN_TIME);
  const deliveries = await reserve(queue, { max: 10 });
  for (const delivery of deliveries) {
    const { receipt } = delivery;
    if (delivery.kind === 'job') expect(asJob(delivery).id).toBe(job.id);
    else expect(await queue.settle([{ kind: 'dead', receipt, note: 'n' }], IN_TIME)).toEqual([{ ok: true }]);
  }
  expect(deliveries).toHaveLength(5);
  const letters = await look(names.dead);
  expect(new Set(letters.map(({ Body }) => Body))).toEqual(new Set(messages.map(({ MessageBody }) => MessageBody)));
  for (const { MessageBody, MessageAttributes } of messages) {
    const letter = letters.find(({ Body }) => Body === MessageBody);
    expect(letter?.MessageAttributes).toMatchObject(MessageAttributes);
  }
});

it('a foreign message as large as SQS takes finds its place too', async () => {
  await using scene = await openStore();
  const { queue, names, look } = scene;
  const body = 'x'.repeat(1024 * 1024);
  await sendByHand(scene, await urlOf(names.main), { MessageBody: body });
  const [delivery] = await reserve(queue);
  expect(await queue.settle([{ kind: 'dead', receipt: delivery?.receipt, note: 'n' }], IN_TIME)).toEqual([
    { ok: true },
  ]);
  expect((await look(names.dead))[0]?.Body).toHaveLength(body.length);
});

it('a job of the largest size is buried with a note of the largest size', async () => {
  await using scene = await openStore();
  const { store, queue, names, look } = scene;
  const body = JSON.stringify('x'.repeat(store.capabilities.maxBodyBytes - 2));
  const headers = { long: 'h'.repeat(4000) };
  expect(await queue.enqueue([newJob({ body, headers })], IN_TIME)).toEqual([{ ok: true }]);
  const { receipt } = await takeOne(queue);
  const note = 'n'.repeat(8 * 1024);
  expect(await queue.settle([{ kind: 'dead', receipt, note }], IN_TIME)).toEqual([{ ok: true }]);
  expect((await look(names.dead))[0]?.MessageAttributes?.['switchyard.note']?.StringValue).toBe(note);
});

it('through the engine: an error that ends a job is to be read there', async () => {
  const sqs = settingsFor((await testServer('sqs')).url);
  const service = createQueueService({ adapters: [sqsAdapter], defaultStore: 'sqs', sqs, maxAttempts: 1 });
  await using scene = await openStore();
  const queue = await service.getQueue(scene.name);
  const dead = new Promise(resolve => void queue.on('dead', resolve));
  queue.process(() => {
    throw new TypeError('no such user');
  });
  await queue.add({ user: 1 });
  await dead;
  const { dead: name } = physicalNames('switchyard', { plugin: '', name: scene.name });
  const [letter] = await vi.waitFor(async () => {
    const letters = await scene.look(name);
    expect(letters).toHaveLength(1);
    return letters;
  });
  expect(JSON.parse(letter?.MessageAttributes?.['switchyard.note']?.StringValue ?? '')).toMatchObject({
    error: { name: 'TypeError', message: 'no such user' },
    attempts: 1,
  });
  await service.close();
});

it.each([{ addedAt: 'foo' }, { delayMs: '5' }, { dueAt: -1 }, { attempts: 1.5 }])(
  'a job with %o in its envelope is no job, and holds nobody up',
  async wrong => {
    await using scene = await openStore();
    const { queue, names } = scene;
    const envelope = JSON.stringify({ v: 1, id: 'x', priority: 20, headers: {}, ...wrong });
    const MessageAttributes = { switchyard: { DataType: 'String', StringValue: envelope } };
    await sendByHand(scene, await urlOf(names.main), { MessageBody: '{}', MessageAttributes });
    await queue.enqueue([newJob()], IN_TIME);
    const deliveries = [...(await reserve(queue)), ...(await reserve(queue))];
    expect(deliveries.map(({ kind }) => kind).toSorted()).toEqual(['job', 'unreadable']);
    const outcomes = await queue.settle(
      deliveries.map(({ kind, receipt }) =>
        kind === 'job' ? { kind: 'ack', receipt } : { kind: 'dead', receipt, note: '' },
      ),
      IN_TIME,
    );
    expect(outcomes).toEqual([{ ok: true }, { ok: true }]);
  },
);
