import assert from 'node:assert/strict';
import { storeCases } from '../../conformance-case.ts';
import { summary } from '../../store/outcomes.ts';
import { newJob } from '../../store/trial-queue.ts';

const ANSWERS = ['ok', 'unavailable', 'unknown-outcome', 'throttled'];

export const deadlineCases = storeCases([
  {
    id: 'deadlines/too-short',
    title: 'an enqueue whose deadline is too short settles, and what it says about the job is true',
    rules: [7, 25],
    run: async ({ open, store, within, timings: { slackMs, quietMs } }) => {
      const queue = await open();
      const answers = new Map<string, string>();
      for (let n = 0; n < 20; n++) {
        const job = newJob({});
        const answer = await within(
          'enqueue with a deadline of 1 ms to settle',
          slackMs,
          queue.raw.enqueue([job], { timeoutMs: 1 }).then(
            outcomes => summary(outcomes).join(),
            (error: unknown) => store.classify(error),
          ),
        );
        assert.ok(ANSWERS.includes(answer), `a call that ran out of time is answered ${answer}`);
        answers.set(job.id, answer);
      }
      const stored = [...answers].filter(([, answer]) => answer === 'ok').map(([id]) => id);
      const seen = new Set<string>();
      const end = performance.now() + quietMs;
      while (performance.now() < end || stored.some(id => !seen.has(id))) {
        assert.ok(performance.now() < end + slackMs, 'a job that was said to be stored does not come');
        for (const delivery of await queue.reserve({ waitMs: quietMs })) {
          if (delivery.kind === 'job') seen.add(delivery.id);
        }
      }
      const denied = [...seen].filter(id => answers.get(id) === 'unavailable');
      assert.deepEqual(denied, [], "'unavailable' says that nothing happened, yet these jobs are stored");
    },
  },
  {
    id: 'deadlines/one-call-does-not-hurt-the-next',
    title: 'settling and extending with too short a deadline settles too, and the queue goes on working',
    rules: [16, 25],
    run: async ({ open, store, within, timings: { leaseMs, leaseEndMs, slackMs } }) => {
      const queue = await open();
      await queue.add({});
      const delivery = await queue.takeOne({ leaseMs });
      const hurried = async (what: string, call: Promise<Parameters<typeof summary>[0]>) => {
        const answer = await within(
          `${what} with a deadline of 1 ms to settle`,
          slackMs,
          call.then(
            outcomes => summary(outcomes).join(),
            (error: unknown) => store.classify(error),
          ),
        );
        assert.ok(ANSWERS.includes(answer), `${what} is answered ${answer}`);
        return answer;
      };
      await hurried('extend', queue.raw.extend([delivery.receipt], leaseMs, { timeoutMs: 1 }));
      const acked = await hurried(
        'ack',
        queue.raw.settle([{ kind: 'ack', receipt: delivery.receipt }], { timeoutMs: 1 }),
      );
      if (acked === 'ok') await queue.takeNothing('the job is done', leaseMs);
      const [next] = await queue.add({ priority: 1 });
      const later = await queue.takeOne({ withinMs: leaseEndMs });
      assert.ok([next?.id, delivery.id].includes(later.id));
    },
  },
]);
