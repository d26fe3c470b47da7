import assert from 'node:assert/strict';
import { queueCases } from '../../conformance-case.ts';

export const gettingCases = queueCases([
  {
    id: 'getting/memoised',
    title: 'a name is one queue, also when asked for many times at once; what is added at a cold start all runs',
    rules: [1],
    run: async ({ service, queueName, ledger }) => {
      const { queues } = await service();
      const name = queueName();
      const all = await Promise.all(Array.from({ length: 20 }, () => queues.getQueue(name)));
      assert.equal(new Set([...all, await queues.getQueue(name)]).size, 1);
      const log = ledger();
      all[0]!.process(log.handler(), { concurrency: 10 });
      const ids = await Promise.all(all.map((queue, n) => queue.add(n)));
      await log.ended(ids.length);
      assert.deepEqual(new Set(log.ids), new Set(ids));
    },
  },
  {
    id: 'getting/first-options-win',
    title: 'the first options of a queue win; a later call with others gets the same queue and one warning',
    rules: [1],
    run: async ({ service, queueName }) => {
      const { queues, log } = await service();
      const name = queueName();
      const first = await queues.getQueue(name, { maxAttempts: 1 });
      assert.equal(await queues.getQueue(name, { maxAttempts: 1 }), first);
      const warnings = () => log.filter(({ level, message }) => level === 'warn' && message.includes(name));
      assert.deepEqual(warnings(), []);
      assert.equal(await queues.getQueue(name, { maxAttempts: 7 }), first);
      assert.equal(warnings().length, 1, JSON.stringify(log));
      assert.match(warnings()[0]!.message, /maxAttempts/);
    },
  },
]);
