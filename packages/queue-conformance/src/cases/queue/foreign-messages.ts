import assert from 'node:assert/strict';
import { queueCases } from '../../conformance-case.ts';
import { NotApplicable } from '../../not-applicable.ts';

export const foreignMessageCases = queueCases([
  {
    id: 'foreign-messages/neighbours-run',
    title: 'messages that are not ours never reach a handler, do not stop the queue, and are not counted for ever',
    rules: [19],
    run: async ({ harness, service, queueName, ledger, assertCount }) => {
      const { injectForeign } = harness;
      if (injectForeign === undefined) throw new NotApplicable('the harness has no injectForeign');
      const name = queueName();
      const { queues } = await service();
      const queue = await queues.getQueue(name);
      const ids = [await queue.add('before')];
      for (const text of ['not JSON', '{"id":"x"}', 'null']) {
        await injectForeign({ plugin: '', name }, new TextEncoder().encode(text));
      }
      ids.push(await queue.add('after'));
      const log = ledger();
      queue.process(log.handler(), { concurrency: 2 });
      await log.ended(2);
      assert.deepEqual(new Set(log.ids), new Set(ids));
      await assertCount(queue, 0, 'after the foreign messages were set apart');
      assert.equal(log.runs.length, 2);
    },
  },
]);
