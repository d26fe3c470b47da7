import assert from 'node:assert/strict';
import { storeCases } from '../../conformance-case.ts';
import { NotApplicable } from '../../not-applicable.ts';

export const standbyCases = storeCases([
  {
    id: 'standby/gives-back-what-is-buffered',
    title: 'a queue on standby keeps nothing to itself: others get its jobs, and the next reserve undoes it',
    rules: [21],
    run: async ({ open, elsewhere, within, capabilities: { leaseScope }, timings: { callMs } }) => {
      const queue = await open();
      const { raw } = queue;
      if (raw.standby === undefined) throw new NotApplicable('the store has no standby');
      const other = await elsewhere(queue);
      const jobs = await queue.add(...Array.from({ length: 10 }, () => ({})));
      const running = await queue.takeOne();
      await within('standby', callMs, raw.standby());
      await within('standby again', callMs, raw.standby());

      // Where a lease covers a partition, what lies behind the running job follows when that is done.
      if (leaseScope === 'partition') await queue.ack(running);
      const rest = await other.take(jobs.length - 1);
      assert.ok(!rest.some(({ id }) => id === running.id), 'the leased job is still leased');
      await other.ack(...rest);
      if (leaseScope === 'job') await queue.ack(running);
      const [late] = await queue.add({});
      assert.equal((await queue.takeOne()).id, late?.id);
    },
  },
]);
