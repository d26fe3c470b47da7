import { randomBytes } from 'node:crypto';
import { testServer } from '@switchyard/test-servers';
import { CompressionTypes } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { type FoundRecord, headersOf, recordsOf, sendByHand } from './look.ts';
import { IN_TIME, newJob, openStore, reserve, takeOne } from './open-store.ts';

const { url } = await testServer('kafka');

type Scene = Awaited<ReturnType<typeof openStore>>;

/** Takes whatever comes next and settles it dead, as the engine does with what it cannot read. */
async function bury({ queue }: Scene, note: string): Promise<string> {
  const [delivery] = await reserve(queue);
  if (delivery === undefined) throw new Error('Nothing came');
  expect(await queue.settle([{ kind: 'dead', receipt: delivery.receipt, note }], IN_TIME)).toEqual([{ ok: true }]);
  return delivery.kind === 'unreadable' ? delivery.why : `a job ${delivery.id}`;
}

async function deadLetter({ topics }: Scene): Promise<FoundRecord> {
  const [record] = await recordsOf(url, topics.dead, 1);
  if (record === undefined) throw new Error('There is no dead letter');
  return record;
}

const isAbout = (time: number) => (text: string | undefined) => Math.abs(Number(text) - time) < 60_000;

describe('the dead letter of a job', () => {
  it('has its id, body and headers, and says what happened', async () => {
    await using scene = await openStore();
    const { queue } = scene;
    const job = newJob({ body: '{"a":"ä"}', headers: { trace: '00-1', other: '' }, priority: 7 });
    await queue.enqueue([job], IN_TIME);
    const first = await takeOne(queue);
    await queue.settle([{ kind: 'retry', receipt: first.receipt, delayMs: 0, note: 'first' }], IN_TIME);
    await bury(scene, 'Error: ünfug\n  at …');
    const record = await deadLetter(scene);
    expect(String(record.key)).toBe(job.id);
    expect(String(record.value)).toBe('{"a":"ä"}');
    const { 'switchyard-dead-at': deadAt, 'switchyard-headers': headers, ...others } = headersOf(record);
    expect(others).toEqual({
      switchyard: '1',
      'switchyard-attempts': '2',
      'switchyard-enqueued-at': String(first.enqueuedAt),
      'switchyard-note': 'Error: ünfug\n  at …',
      'switchyard-priority': '7',
    });
    expect(JSON.parse(headers ?? '')).toEqual(job.headers);
    expect(deadAt).toSatisfy(isAbout(Date.now()));
  });

  it('that somebody puts back runs as a new one, with what it was', async () => {
    await using scene = await openStore();
    const { queue, topics } = scene;
    const job = newJob({ body: '"again"', headers: { a: 'b' } });
    await queue.enqueue([job], IN_TIME);
    await bury(scene, 'over');
    const { key, value, headers = {} } = await deadLetter(scene);
    await sendByHand(url, topics.main, [{ key, value, headers: headers as Record<string, Buffer> }]);
    expect(await takeOne(queue)).toMatchObject({ id: job.id, body: '"again"', headers: { a: 'b' }, attempt: 1 });
  });
});

const BINARY = randomBytes(2000);

describe('the dead letter of something else', () => {
  it.each([
    ['text', { key: 'k', value: 'no job', headers: { a: 'b' } }, 'no header "switchyard"'],
    ['no value', { key: 'k', value: null, headers: { a: 'b' } }, 'no header'],
    ['no key', { key: null, value: 'v', headers: { switchyard: '1' } }, 'no key'],
    ['an empty key', { key: '', value: 'v', headers: { switchyard: '1' } }, 'no key'],
    ['no value where one belongs', { key: 'k', value: null, headers: { switchyard: '1' } }, 'no value'],
    ['bytes that are no text', { key: BINARY, value: BINARY, headers: { binary: BINARY } }, 'no header'],
    ['nothing at all', { key: null, value: null, headers: {} }, 'no header'],
    ['empty everything', { key: '', value: '', headers: { '': '' } }, 'no header'],
    ['headers of 200 kB', { key: 'k', value: 'v', headers: { large: Buffer.alloc(200_000, 1) } }, 'no header'],
    ['a version to come', { key: 'k', value: 'v', headers: { switchyard: '2' } }, 'says version "2"'],
  ])('has it byte for byte: %s', async (_, message, why) => {
    await using scene = await openStore();
    await sendByHand(url, scene.topics.main, [message]);
    expect(await bury(scene, 'not ours')).toContain(why);
    const { key, value, headers = {} } = await deadLetter(scene);
    const bytes = (part: Buffer | string | null | undefined) => (part === null ? null : Buffer.from(part ?? ''));
    expect({ key, value }).toEqual({ key: bytes(message.key), value: bytes(message.value) });
    const { 'switchyard-note': note, 'switchyard-attempts': attempts, ...others } = headers;
    const { 'switchyard-enqueued-at': enqueuedAt, 'switchyard-dead-at': deadAt, ...theirs } = others;
    expect([String(note), String(attempts)]).toEqual(['not ours', '1']);
    for (const time of [enqueuedAt, deadAt]) expect(String(time)).toSatisfy(isAbout(Date.now()));
    expect(theirs).toEqual(
      Object.fromEntries(Object.entries(message.headers).map(([name, header]) => [name, bytes(header)])),
    );
  });

  it('has what came compressed as well', async () => {
    await using scene = await openStore();
    const value = Buffer.alloc(500_000, 'a');
    await sendByHand(url, scene.topics.main, [{ key: 'k', value, partition: 0 }], CompressionTypes.GZIP);
    await bury(scene, 'not ours');
    expect((await deadLetter(scene)).value).toEqual(value);
  });

  it('has what is larger than Kafka takes of us, where it came compressed', async () => {
    await using scene = await openStore();
    const value = Buffer.alloc(1_500_000, 'a');
    await sendByHand(url, scene.topics.main, [{ key: 'k', value, partition: 0 }], CompressionTypes.GZIP);
    await bury(scene, 'not ours');
    expect((await deadLetter(scene)).value).toEqual(value);
  });

  it('that lay among the delayed is the same', async () => {
    await using scene = await openStore();
    const value = randomBytes(500);
    await sendByHand(url, scene.topics.delay, [{ key: null, value, headers: { a: BINARY }, partition: 3 }]);
    expect(await bury(scene, 'not ours')).toContain('no header');
    const record = await deadLetter(scene);
    expect(record).toMatchObject({ key: null, value, headers: { a: BINARY } });
  });

  it('does not keep its neighbours from being run', async () => {
    await using scene = await openStore({ settings: { partitions: 1 } });
    const job = newJob();
    await sendByHand(url, scene.topics.main, [{ key: 'k', value: 'no job' }]);
    await scene.queue.enqueue([job], IN_TIME);
    const deliveries = await reserve(scene.queue, { max: 2 });
    expect(deliveries.map(({ kind }) => kind)).toEqual(['unreadable', 'job']);
  });
});
