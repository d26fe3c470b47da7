import { readFileSync } from 'node:fs';
import { createQueueService } from '@switchyard/queue-service';
import { sqsAdapter } from '@switchyard/queue-sqs';
import { describe, expect, it, vi } from 'vitest';
import { IN_TIME, newJob, openStore, reserve, settingsFor, takeOne } from './open-store.ts';
import { denial, requestProxy } from './request-proxy.ts';

const README = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

/** What the policies in the README allow, by the words before them. */
function readmePolicy(title: string): { main: string[]; dead: string[] } {
  const [, json = ''] = new RegExp(`\\*\\*${title}\\*\\*[^\`]*\`\`\`json\\n(.*?)\`\`\``, 's').exec(README) ?? [];
  const { Statement } = JSON.parse(json) as { Statement: { Action: string[]; Resource: string }[] };
  const allowed = (isDead: boolean) =>
    Statement.filter(({ Resource }) => Resource.endsWith('-dead') === isDead).flatMap(({ Action }) =>
      Action.map(action => action.replace('sqs:', '')),
    );
  return { main: allowed(false), dead: allowed(true) };
}

const producer = readmePolicy('Who adds jobs');
const worker = readmePolicy('Who works');

/** A proxy that allows what a policy allows, and remembers what it denied. */
async function policed({ main, dead }: { main: readonly string[]; dead: readonly string[] }) {
  const proxy = await requestProxy();
  const denied: string[] = [];
  proxy.decide = ({ action, input }) => {
    const isDead = String(input['QueueUrl'] ?? input['QueueName']).endsWith('-dead');
    if ((isDead ? dead : main).includes(action)) return 'pass';
    denied.push(`${action}${isDead ? ' (dead)' : ''}`);
    return denial(action);
  };
  return { proxy, denied };
}

/** A queue that is there, in all its parts. */
async function madeQueue(): Promise<string> {
  await using scene = await openStore();
  await scene.queue.enqueue([newJob()], IN_TIME);
  const { receipt } = await takeOne(scene.queue);
  await scene.queue.settle([{ kind: 'dead', receipt, note: '' }], IN_TIME);
  return scene.name;
}

describe('the documented policies', () => {
  it('for who adds jobs: adds them, in any number and for any time', async () => {
    const { proxy, denied } = await policed(producer);
    await using _ = proxy;
    await using scene = await openStore({ endpoint: proxy.url, name: await madeQueue() });
    const jobs = [newJob(), newJob(), newJob({ delayMs: 2_000_000 })];
    expect(await scene.queue.enqueue(jobs, IN_TIME)).toEqual(jobs.map(() => ({ ok: true })));
    // Which it can do without, and who only adds is not bothered with that.
    expect(denied).toEqual(['GetQueueAttributes']);
    expect(scene.reports).toEqual([]);
  });

  it('for who works: does all there is to do, and is denied nothing', async () => {
    const { proxy, denied } = await policed(worker);
    await using _ = proxy;
    await using scene = await openStore({ endpoint: proxy.url, name: await madeQueue(), limits: { delayMs: 1000 } });
    const { queue } = scene;
    await queue.enqueue([newJob(), newJob(), newJob({ delayMs: 2000 })], IN_TIME);
    const first = await takeOne(queue);
    await queue.extend([first.receipt], 30_000, IN_TIME);
    await queue.settle([{ kind: 'dead', receipt: first.receipt, note: 'n' }], IN_TIME);
    const second = await takeOne(queue);
    await queue.settle([{ kind: 'retry', receipt: second.receipt, delayMs: 0, note: 'n' }], IN_TIME);
    for (let left = 2; left > 0; left--) {
      const { receipt } = await takeOne(queue);
      expect(await queue.settle([{ kind: 'ack', receipt }], IN_TIME)).toEqual([{ ok: true }]);
    }
    await vi.waitFor(async () => expect(await queue.counts()).toEqual({ waiting: 0, delayed: 0, active: 0 }));
    expect(denied).toEqual([]);
    expect(scene.reports).toEqual([]);
  });

  it.each(worker.main.filter(action => action !== 'GetQueueUrl'))(
    'have nothing to spare: without %s something is denied, by an error that names it',
    async action => {
      const main = worker.main.filter(other => other !== action);
      const { proxy } = await policed({ ...worker, main });
      await using _ = proxy;
      await using scene = await openStore({ endpoint: proxy.url, name: await madeQueue() });
      await using other = await openStore({ name: scene.name });
      const { store, queue } = scene;
      const errors: unknown[] = [];
      const attempt = async <Answer>(call: Promise<Answer>) => call.catch((error: unknown) => void errors.push(error));
      await attempt(queue.enqueue([newJob()], IN_TIME));
      await other.queue.enqueue([newJob(), newJob()], IN_TIME);
      const deliveries = (await attempt(reserve(queue, { max: 2 }))) ?? [];
      const [first] = deliveries;
      if (first !== undefined) {
        await attempt(queue.extend([first.receipt], 30_000, IN_TIME));
        await attempt(queue.settle([{ kind: 'ack', receipt: first.receipt }], IN_TIME));
      }
      await attempt(queue.counts());
      expect(errors.map(error => store.classify(error))).toContain('denied');
      for (const error of errors) expect(String(error)).toContain(`sqs:${action}`);
    },
  );
});

describe('a denied action', () => {
  it('stops nothing else: who may not change visibility still runs and finishes jobs', async () => {
    const main = worker.main.filter(action => action !== 'ChangeMessageVisibility');
    const { proxy } = await policed({ ...worker, main });
    await using _ = proxy;
    await using scene = await openStore({ endpoint: proxy.url, name: await madeQueue() });
    const { queue } = scene;
    await queue.enqueue([newJob(), newJob()], IN_TIME);
    const [one, other] = [await takeOne(queue), await takeOne(queue)];
    const outcomes = await queue.settle(
      [
        { kind: 'retry', receipt: one.receipt, delayMs: 0, note: '' },
        { kind: 'ack', receipt: other.receipt },
      ],
      IN_TIME,
    );
    expect(outcomes).toEqual([
      { ok: false, code: 'denied', message: expect.stringContaining('sqs:ChangeMessageVisibility') },
      { ok: true },
    ]);
  });

  it('reaches who adds a job as a typed error with the action in it', async () => {
    const { proxy } = await policed({ main: ['GetQueueUrl', 'CreateQueue', 'GetQueueAttributes'], dead: [] });
    await using _ = proxy;
    const logger = { debug() {}, info() {}, warn() {}, error() {} };
    const sqs = settingsFor(proxy.url);
    const service = createQueueService({ adapters: [sqsAdapter], defaultStore: 'sqs', sqs, logger });
    const queue = await service.getQueue('denied');
    await expect(queue.add({})).rejects.toMatchObject({
      name: 'StoreError',
      code: 'denied',
      message: expect.stringContaining('sqs:SendMessage'),
    });
    await service.close();
  });

  it('when a queue is missing says that it may not be created', async () => {
    const { proxy } = await policed(worker);
    await using _ = proxy;
    await expect(openStore({ endpoint: proxy.url })).rejects.toMatchObject({
      code: 'denied',
      message: expect.stringMatching(/no queue switchyard__test__work.*sqs:CreateQueue/),
    });
  });

  it('for a worker’s settings is warned about, for they may take jobs away', async () => {
    const main = worker.main.filter(action => action !== 'GetQueueAttributes');
    const { proxy } = await policed({ ...worker, main });
    await using _ = proxy;
    await using scene = await openStore({ endpoint: proxy.url, name: await madeQueue() });
    await reserve(scene.queue, { waitMs: 0 });
    expect(scene.reports).toEqual([
      expect.objectContaining({
        code: 'attributes-denied',
        message: expect.stringContaining('sqs:GetQueueAttributes'),
      }),
    ]);
  });
});
