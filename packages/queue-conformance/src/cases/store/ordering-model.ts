import assert from 'node:assert/strict';
import { setTimeout as elapse } from 'node:timers/promises';
import { storeCases } from '../../conformance-case.ts';
import { seededRandom } from '../../seeded-random.ts';

/**
 * What is known about when a job became ready: not before `from`, not after `to`, by this process' clock. The store's
 * own clock reads something in between, so only jobs whose intervals do not touch have a certain order.
 */
interface Known {
  readonly body: string;
  readonly priority: number;
  /** Neither delayed nor retried: such jobs are first in, first out even within a millisecond. */
  plain: boolean;
  from: number;
  to: number;
}

const CLOCK_ROUNDING_MS = 3;

/** Must `first` be handed out before `second` when both are ready? */
function precedes(first: Known, second: Known): boolean {
  if (first.priority !== second.priority) return first.priority < second.priority;
  if (first.plain && second.plain) return Number(first.body) < Number(second.body);
  return first.to + CLOCK_ROUNDING_MS < second.from;
}

export const orderingModelCases = storeCases([
  {
    id: 'ordering/model',
    title: 'any mix of priorities, delays and retries comes out in the order of the one rule',
    rules: [11],
    requires: ({ order }) => order === 'ready' || 'the store promises no order',
    deadlineMs: 60_000,
    run: async ({ open, capabilities, timings: { delayMs } }) => {
      const seed = Math.floor(Math.random() * 2 ** 32);
      const random = seededRandom(seed);
      const queue = await open();
      const { delayResolutionMs } = capabilities;
      const jobs = new Map<string, Known>();
      const delays = [0, 0, 0, delayMs, 2 * delayMs];
      const anyOf = <T>(choices: readonly T[]): T => choices[random.below(choices.length)]!;
      const knownFrom = (since: number, delay: number) => ({
        from: since + delay,
        to: performance.now() + delay + (delay > 0 ? delayResolutionMs : 0),
      });

      for (let n = 0; n < 60; n++) {
        const priority = capabilities.priority === 'strict' ? anyOf([-3, 20, 20, 500]) : 20;
        const delay = anyOf(delays);
        const since = performance.now();
        await queue.add({ body: `${n}`, priority, delayMs: delay });
        jobs.set(`${n}`, { body: `${n}`, priority, plain: delay === 0, ...knownFrom(since, delay) });
        if (n % 10 === 9) {
          const failed = await queue.takeOne();
          const retryDelay = anyOf(delays);
          const failedAt = performance.now();
          await queue.retry(failed, retryDelay);
          Object.assign(jobs.get(failed.body)!, { plain: false, ...knownFrom(failedAt, retryDelay) });
        }
      }
      const lastDue = Math.max(...[...jobs.values()].map(({ to }) => to));
      await elapse(Math.max(0, lastDue - performance.now()) + delayResolutionMs + 50);

      const order: Known[] = [];
      while (order.length < jobs.size) {
        const delivery = await queue.takeOne();
        const job = jobs.get(delivery.body)!;
        const overtaken = order.find(earlier => precedes(job, earlier));
        if (overtaken) {
          assert.fail(
            `seed ${seed}: job ${overtaken.body} (priority ${overtaken.priority}) ran before ` +
              `job ${job.body} (priority ${job.priority}), which was to go first`,
          );
        }
        order.push(job);
        await queue.ack(delivery);
      }
    },
  },
]);
