import { expect, it, vi } from 'vitest';
import { AnswerAge } from '../src/answer-age.ts';
import { IN_TIME, newJob, openStore, takeOne } from './open-store.ts';

/** Answers one after the other, each written at one time and read at another. */
function agesOf(answers: readonly { readonly written: number; readonly read: number }[]): number[] {
  const clock = vi.spyOn(performance, 'now');
  const age = new AnswerAge();
  return answers.map(({ written, read }) => {
    clock.mockReturnValue(read);
    const serverTime = 1_700_000_000_000 + Math.floor(written / 1000) * 1000;
    age.note(serverTime);
    return age.of(serverTime);
  });
}

it('never says more than it is, and at most two seconds less', () => {
  const answers = Array.from({ length: 200 }, (_, n) => {
    const written = 50_000 + n * 777;
    return { written, read: written + 3 + (n % 7 === 6 ? n * 100 : 0) };
  });
  const ages = agesOf(answers);
  for (const [n, { written, read }] of answers.entries()) {
    expect(ages[n]).toBeLessThanOrEqual(read - written);
    expect(ages[n]).toBeGreaterThanOrEqual(read - written - 2003);
  }
});

it('believes a clock that was set back, after some answers', () => {
  const answers = Array.from({ length: 40 }, (_, n) => {
    const read = 100_000 + n * 1000;
    return { written: read - (n < 20 ? 0 : 60_000), read };
  });
  expect(agesOf(answers).slice(0, 20)).toEqual(Array.from({ length: 20 }, () => 0));
  expect(agesOf(answers).at(-1)).toBe(0);
});

it(
  'does not hand out what was read after its lease, because the process stood still',
  { timeout: 60_000 },
  async () => {
    await using scene = await openStore();
    const { queue } = scene;
    await queue.enqueue([newJob()], IN_TIME);
    // The clocks are compared when answers come at once.
    const first = await takeOne(queue);
    await queue.settle([{ kind: 'ack', receipt: first.receipt }], IN_TIME);
    const job = newJob({ delayMs: 1000 });
    await queue.enqueue([job], IN_TIME);
    const signal = AbortSignal.timeout(30_000);
    const poll = queue.reserve({ max: 1, leaseMs: 2000, waitMs: 15_000, signal });
    // The request is on its way.
    await vi.waitFor(async () => expect(await queue.counts()).toMatchObject({ delayed: 1 }));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 7000);
    const [delivery] = await poll;
    // The hand-out that was slept through counts all the same.
    expect(delivery).toMatchObject({ kind: 'job', id: job.id, attempt: 2 });
  },
);
