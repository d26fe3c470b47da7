import assert from 'node:assert/strict';
import { setTimeout as elapse } from 'node:timers/promises';
import { storeCases } from '../../conformance-case.ts';
import { newJob } from '../../store/trial-queue.ts';

export const closingCases = storeCases([
  {
    id: 'closing/keeps-the-jobs',
    title: 'closing a queue deletes nothing: opened again it has every job it had',
    rules: [8, 23],
    run: async ({ open, timings: { delayMs, lateMs } }) => {
      const queue = await open();
      const jobs = await queue.add({}, {}, {}, { delayMs });
      await queue.retry(await queue.takeOne(), delayMs);
      await queue.close();
      const again = await open(queue.name);
      const taken = await again.take(jobs.length, { withinMs: delayMs + lateMs });
      assert.deepEqual(new Set(taken.map(({ id }) => id)), new Set(jobs.map(({ id }) => id)));
    },
  },
  {
    id: 'closing/loses-no-leased-job',
    title: 'a job that was leased when its queue was closed comes back when the lease ends, at the latest',
    rules: [13, 23],
    run: async ({ open, timings: { leaseMs, leaseEndMs } }) => {
      const queue = await open();
      const [job] = await queue.add({});
      await queue.takeOne({ leaseMs });
      await queue.close();
      const again = await open(queue.name);
      assert.equal((await again.takeOne({ withinMs: leaseEndMs })).id, job?.id);
    },
  },
  {
    id: 'closing/leaves-the-others',
    title: 'closing one queue leaves the other queues of the connection at work',
    rules: [23],
    run: async ({ open, within, timings: { wakeMs } }) => {
      const [closing, staying] = [await open(), await open()];
      await staying.add({});
      const running = await staying.takeOne();
      const answer = staying.reserve({ waitMs: 5 * wakeMs });
      await closing.close();
      await staying.ack(running);
      await staying.add({});
      assert.equal((await within('the other queue to hand out its job', wakeMs, answer)).length, 1);
    },
  },
  {
    id: 'closing/while-waiting',
    title: 'closing a queue ends the reserve that waits in it, and strands nothing',
    rules: [23],
    run: async ({ open, elsewhere, within, timings: { wakeMs, quietMs, slackMs } }) => {
      const queue = await open();
      const other = await elsewhere(queue);
      const answer = queue.reserve({ waitMs: 10 * wakeMs }).catch(() => []);
      await elapse(quietMs / 2);
      await queue.close(wakeMs);
      assert.deepEqual(await within('the waiting reserve to end', slackMs, answer), []);
      const reader = other === queue ? await open(queue.name) : other;
      const [job] = await reader.add({});
      assert.equal((await reader.takeOne()).id, job?.id);
    },
  },
  {
    id: 'closing/the-connection-while-waiting',
    title: 'closing the connection settles every call under it, within the deadline',
    rules: [23, 24],
    run: async ({ open, store, closeStore, within, timings: { wakeMs, quietMs, slackMs } }) => {
      const queues = [await open(), await open()];
      const answers = queues.map(queue => queue.reserve({ waitMs: 10 * wakeMs }).catch(() => []));
      await elapse(quietMs / 2);
      await closeStore(store, wakeMs);
      await within('the waiting reserves to end', slackMs, Promise.all(answers));
    },
  },
  {
    id: 'closing/again',
    title: 'closing is idempotent: a queue and a connection can be closed twice, also at once',
    rules: [23],
    run: async ({ open, store, closeStore }) => {
      const queue = await open();
      await Promise.all([queue.close(), queue.close()]);
      await queue.close();
      await Promise.all([closeStore(store), closeStore(store)]);
      await closeStore(store);
      await queue.close();
    },
  },
  {
    id: 'closing/nothing-hangs-afterwards',
    title: 'a call on a closed connection settles,',
    rules: [7, 25],
    run: async ({ open, store, closeStore, within, timings: { quietMs, callMs, slackMs } }) => {
      const queue = await open();
      await queue.add({});
      const running = await queue.takeOne();
      await closeStore(store);
      const { receipt } = running;
      const { signal } = new AbortController();
      const calls: Record<string, () => Promise<unknown>> = {
        settle: () => queue.raw.settle([{ kind: 'ack', receipt }], { timeoutMs: quietMs }),
        extend: () => queue.raw.extend([receipt], 10_000, { timeoutMs: quietMs }),
        reserve: () => queue.raw.reserve({ max: 1, leaseMs: 10_000, waitMs: quietMs, signal }),
        enqueue: () => queue.raw.enqueue([newJob({})], { timeoutMs: quietMs }),
        counts: () => queue.raw.counts(),
      };
      for (const [name, call] of Object.entries(calls)) {
        const settled = (async () => call())().then(
          () => {},
          () => {},
        );
        await within(`${name} on a closed connection to settle`, callMs + slackMs, settled);
      }
    },
  },
]);
