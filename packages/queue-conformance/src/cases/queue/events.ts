import assert from 'node:assert/strict';
import type { QueueEvents } from '@switchyard/queue-api';
import { queueCases } from '../../conformance-case.ts';

const NAMES = ['started', 'completed', 'retrying', 'dead'] as const satisfies (keyof QueueEvents)[];

export const eventCases = queueCases([
  {
    id: 'events/tell-the-story',
    title: 'the events of a job tell its story, in order',
    rules: [12, 17, 18],
    run: async ({ nextEvent, queue: freshQueue, ledger, capabilities }) => {
      const queue = await freshQueue({ maxAttempts: 2 });
      const story: string[] = [];
      queue.on('added', () => story.push('added'));
      for (const name of NAMES) queue.on(name, ({ attempt }) => story.push(`${name} ${attempt}`));
      const log = ledger();
      queue.process(
        log.handler(({ payload }) => {
          if (payload === 'fails') throw new Error('it does');
        }),
      );
      const completed = nextEvent(queue, 'completed');
      const id = await queue.add('works');
      const { durationMs, ...done } = await completed;
      assert.deepEqual(done, { id, attempt: 1 });
      assert.ok(durationMs >= 0);
      assert.deepEqual(new Set(story), new Set(['added', 'started 1', 'completed 1']));

      story.length = 0;
      const [retrying, dead] = [nextEvent(queue, 'retrying'), nextEvent(queue, 'dead')];
      await queue.add('fails');
      await dead;
      assert.deepEqual(
        story.filter(event => event !== 'added'),
        ['started 1', 'retrying 1', 'started 2', 'dead 2'],
      );
      const { delayMs, error } = await retrying;
      assert.equal(error.message, 'it does');
      const resolutionMs = capabilities.delayResolutionMs;
      assert.ok(delayMs >= 900 - resolutionMs && delayMs <= 1_100 + resolutionMs, `retrying in ${delayMs} ms`);
    },
  },
  {
    id: 'events/harmless-listeners',
    title: 'a listener that throws harms no job; one that was removed hears nothing',
    rules: [28],
    run: async ({ nextEvent, queue: freshQueue, ledger, assertCount }) => {
      const queue = await freshQueue();
      let heard = 0;
      for (const name of NAMES) {
        queue.on(name, () => {
          throw new Error('a listener fails');
        });
        const stop = queue.on(name, () => {
          heard++;
        });
        stop();
        stop();
      }
      const log = ledger();
      queue.process(log.handler());
      const completed = nextEvent(queue, 'completed');
      await queue.add('works all the same');
      await log.ended(1);
      await completed;
      assert.equal(heard, 0);
      await assertCount(queue, 0, 'after the job');
    },
  },
]);
