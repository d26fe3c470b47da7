import assert from 'node:assert/strict';
import { isQueueError, type JobOptions } from '@switchyard/queue-api';
import { queueCases } from '../../conformance-case.ts';

const YEAR_MS = 365 * 24 * 60 * 60 * 1000;

const BAD_OPTIONS: readonly JobOptions[] = [
  ...[-1, Number.NaN, Infinity, YEAR_MS + 1].map(delay => ({ delay })),
  ...[1.5, Number.NaN, Infinity, 1_000_001, -1_000_001].map(priority => ({ priority })),
  ...[0, -1, 1.5, Number.NaN].map(maxAttempts => ({ maxAttempts })),
];

const BAD_NAMES = [
  '',
  'x'.repeat(65),
  'a/b',
  'a b',
  'a:b',
  '*',
  '{tag}',
  '../up',
  'line\nend',
  'nul\u0000',
  'naïve',
  "'; drop",
  '🙂',
];

export const refusalCases = queueCases([
  {
    id: 'refusals/options',
    title: 'delay, priority and maxAttempts out of range are refused by name, and nothing is stored',
    rules: [5],
    run: async ({ queue: freshQueue, assertCount }) => {
      const queue = await freshQueue();
      for (const options of BAD_OPTIONS) {
        const [field] = Object.keys(options);
        await assert.rejects(
          queue.add('job', options),
          (error: unknown) => isQueueError(error, 'invalid-argument') && error.field === field,
          `add accepts ${field} ${Object.values(options).join()}`,
        );
      }
      await assertCount(queue, 0, 'after refusals only');
    },
  },
  {
    id: 'refusals/delay-beyond-the-store',
    title: 'a delay that the store cannot wait for is refused, not shortened',
    rules: [5],
    requires: ({ maxDelayMs = YEAR_MS }) => maxDelayMs < YEAR_MS || 'the store delays for as long as anybody may ask',
    run: async ({ queue: freshQueue, assertCount, capabilities: { maxDelayMs = YEAR_MS } }) => {
      const queue = await freshQueue();
      await assert.rejects(
        queue.add('too far away', { delay: maxDelayMs + 1 }),
        (error: unknown) => isQueueError(error, 'unsupported-option') && error.option === 'delay',
      );
      await assertCount(queue, 0, 'after a refusal');
      await queue.add('just near enough', { delay: maxDelayMs });
      await assertCount(queue, 1, 'with the longest delay');
    },
  },
  {
    id: 'refusals/names',
    title: 'a name that is not 1 to 64 characters of [A-Za-z0-9._-] is refused',
    rules: [3],
    run: async ({ service }) => {
      const { queues } = await service();
      for (const name of BAD_NAMES) {
        await assert.rejects(
          queues.getQueue(name),
          (error: unknown) => isQueueError(error, 'invalid-argument'),
          `getQueue accepts ${JSON.stringify(name)}`,
        );
      }
    },
  },
  {
    id: 'refusals/unknown-store',
    title: 'a store that nobody has configured is refused, and the refusal is not remembered',
    rules: [1, 2],
    run: async ({ service, queueName, ledger }) => {
      const { queues } = await service();
      const name = queueName();
      await assert.rejects(
        queues.getQueue(name, { store: 'no-such-store' }),
        (error: unknown) => isQueueError(error, 'invalid-config') && error.message.includes('no-such-store'),
      );
      const queue = await queues.getQueue(name);
      const log = ledger();
      queue.process(log.handler());
      await queue.add('works');
      await log.ended(1);
    },
  },
]);
