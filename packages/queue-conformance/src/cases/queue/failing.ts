import assert from 'node:assert/strict';
import { queueCases } from '../../conformance-case.ts';

/** What JavaScript lets people throw. */
const THROWN: readonly unknown[] = [
  new Error('an error'),
  new TypeError('another'),
  'text',
  42,
  null,
  undefined,
  {},
  [],
];

export const failingCases = queueCases([
  {
    id: 'failing/backoff',
    title: 'a job that fails is run again after 1 s, then after 2 s, counting its attempts',
    rules: [12, 17],
    run: async ({ queue: freshQueue, ledger, assertCount, capabilities, timings }) => {
      const queue = await freshQueue();
      const log = ledger();
      queue.process(
        log.handler(({ attempt }) => {
          if (attempt < 3) throw new Error(`attempt ${attempt} fails`);
        }),
      );
      const id = await queue.add({ kept: ['through', 'retries'] });
      await log.ended(3, 3_000 + 2 * timings.lateMs);
      assert.deepEqual(
        log.runs.map(({ job }) => ({ ...job })),
        [1, 2, 3].map(attempt => ({ id, payload: { kept: ['through', 'retries'] }, attempt })),
      );
      for (const [index, backoffMs] of [1_000, 2_000].entries()) {
        const waited = log.runs[index + 1]!.startedAt - log.runs[index]!.endedAt!;
        // Ten per cent of jitter both ways; rounded to a step of the store; and the machine may be late, never early.
        const earliest = backoffMs * 0.9 - capabilities.delayResolutionMs / 2 - 3;
        const latest = backoffMs * 1.1 + capabilities.delayResolutionMs + timings.slackMs;
        assert.ok(
          waited >= earliest && waited <= latest,
          `attempt ${index + 2} came ${Math.round(waited)} ms after the failure, not within ${earliest} to ${latest} ms`,
        );
      }
      await assertCount(queue, 0, 'after the third attempt');
    },
  },
  {
    id: 'failing/anything-thrown',
    title: 'whatever a handler throws or rejects with fails the attempt and reaches the dlqHandler as an Error',
    rules: [12, 18],
    run: async ({ service, queueName, ledger, assertCount }) => {
      const { queues } = await service({ maxAttempts: 1 });
      const errors = new Map<unknown, Error>();
      const dead = ledger();
      const bury = dead.handler();
      const queue = await queues.getQueue<{ thrown: number; how: string }>(queueName(), {
        dlqHandler: (job, error) => {
          errors.set(job.payload, error);
          return bury(job, { signal: new AbortController().signal, queue: '', enqueuedAt: new Date(0) });
        },
      });
      queue.process(
        job => {
          const thrown = THROWN[job.payload.thrown];
          if (job.payload.how === 'sync') throw thrown;
          return Promise.reject(thrown);
        },
        { concurrency: 4 },
      );
      for (const how of ['sync', 'async']) {
        await queue.addBulk(THROWN.map((_, thrown) => ({ payload: { thrown, how } })));
      }
      await dead.ended(2 * THROWN.length);
      for (const [payload, error] of errors) {
        assert.ok(error instanceof Error, `${JSON.stringify(payload)} arrives as ${String(error)}`);
      }
      await assertCount(queue, 0, 'after all have failed');
    },
  },
  {
    id: 'failing/holds-nobody-up',
    title: 'a job that waits for its retry holds no slot',
    rules: [10, 17],
    run: async ({ nextEvent, queue: freshQueue, ledger }) => {
      const queue = await freshQueue();
      const log = ledger();
      queue.process(
        log.handler(({ payload, attempt }) => {
          if (payload === 'fails' && attempt === 1) throw new Error('once');
        }),
      );
      const retrying = nextEvent(queue, 'retrying');
      await queue.add('fails');
      await retrying;
      await queue.addBulk(['b', 'c', 'd'].map(payload => ({ payload })));
      await log.ended(5);
      assert.deepEqual(log.payloads.map(String).toSorted(), ['b', 'c', 'd', 'fails', 'fails']);
      assert.equal(log.runs.at(-1)!.job.payload, 'fails', 'the retry comes after the others');
    },
  },
  {
    id: 'failing/max-attempts',
    title: "the job's maxAttempts wins over the queue's, the queue's over the configured one",
    rules: [18],
    run: async ({ nextEvent, service, queueName, ledger }) => {
      const { queues } = await service({ maxAttempts: 2 });
      const attemptsOf = async (ofQueue: number | undefined, ofJob: number | undefined) => {
        const log = ledger();
        const queue = await queues.getQueue(queueName(), ofQueue === undefined ? {} : { maxAttempts: ofQueue });
        queue.process(
          log.handler(() => {
            throw new Error('always');
          }),
        );
        const dead = nextEvent(queue, 'dead');
        await queue.add('fails', ofJob === undefined ? {} : { maxAttempts: ofJob });
        const { attempt } = await dead;
        assert.equal(attempt, log.runs.length);
        return attempt;
      };
      assert.deepEqual(
        await Promise.all([
          attemptsOf(undefined, undefined),
          attemptsOf(1, undefined),
          attemptsOf(1, 2),
          attemptsOf(2, 1),
        ]),
        [2, 1, 2, 1],
      );
    },
  },
]);
