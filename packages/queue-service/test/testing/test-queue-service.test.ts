import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestQueueService, type TestQueueService } from '../../src/testing/index.ts';

describe('the queue service for unit tests', () => {
  let queues: TestQueueService;

  beforeEach(() => {
    queues = createTestQueueService();
  });
  afterEach(() => queues.close());

  it('runs what is due when it is told to', async () => {
    const seen: string[] = [];
    const queue = await queues.getQueue<string>('emails');
    queue.process(job => void seen.push(job.payload), { concurrency: 5 });
    await queue.add('now');
    await queue.add('later', { delay: 60_000 });
    await queues.runDueJobs();
    expect(seen).toEqual(['now']);
    await queues.advance(59_999);
    expect(seen).toEqual(['now']);
    await queues.advance(1);
    expect(seen).toEqual(['now', 'later']);
  });

  it('waits for handlers that take real time', async () => {
    let finished = 0;
    const queue = await queues.getQueue('slow');
    queue.process(async () => {
      await new Promise(resolve => void setTimeout(resolve, 30));
      finished++;
    });
    await queue.addBulk([{ payload: 1 }, { payload: 2 }, { payload: 3 }]);
    await queues.runDueJobs();
    expect(finished).toBe(3);
  });

  it('runs the whole retry schedule in no time', async () => {
    const attempts: number[] = [];
    const queue = await queues.getQueue('flaky', { maxAttempts: 5 });
    queue.process(job => {
      attempts.push(job.attempt);
      if (job.attempt < 5) throw new Error('not yet');
    });
    await queue.add({});
    const end = queues.nextEnd('flaky');
    await queues.advance(1000 + 2000 + 4000 + 8000);
    expect(attempts).toEqual([1, 2, 3, 4, 5]);
    expect(await end).toMatchObject({ outcome: 'completed', attempt: 5 });
  });

  it('tells how a job ended', async () => {
    const queue = await queues.getQueue('doomed', { maxAttempts: 1 });
    queue.process(() => {
      throw new Error('no');
    });
    const end = queues.nextEnd('doomed');
    const id = await queue.add({});
    await queues.runDueJobs();
    expect(await end).toMatchObject({ outcome: 'dead', id, parked: true, error: new Error('no') });
  });

  it('tells it also to who asked before the code under test had its queue, and leaves its options to that', async () => {
    const end = queues.nextEnd('early');
    const queue = await queues.getQueue('early', { maxAttempts: 1 });
    queue.process(() => {
      throw new Error('no');
    });
    const id = await queue.add({});
    await queues.runDueJobs();
    expect(await end).toMatchObject({ outcome: 'dead', id, attempt: 1 });
  });

  it('closes while jobs are waiting and a handler hangs', async () => {
    const queue = await queues.getQueue('hanging');
    queue.process(() => new Promise(() => {}));
    await queue.addBulk([{ payload: 1 }, { payload: 2 }]);
    await queues.close();
    expect(queues.health().queues[0]?.state).toBe('idle');
  });
});
