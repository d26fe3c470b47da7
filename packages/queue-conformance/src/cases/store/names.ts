import assert from 'node:assert/strict';
import type { QueueName } from '@switchyard/queue-api';
import { type StoreCase, storeCases } from '../../conformance-case.ts';
import type { TrialQueue } from '../../store/trial-queue.ts';

/** Adds to every queue a job that says where it belongs, and looks whether it is found there, alone. */
function apartCase(
  slug: string,
  title: string,
  namesFor: (unique: string) => readonly (readonly [plugin: string, name: string])[],
): Omit<StoreCase, 'level'> {
  return {
    id: `names/${slug}`,
    title,
    rules: [3],
    deadlineMs: 60_000,
    run: async ({ open, queueName }) => {
      const names: QueueName[] = namesFor(queueName().name).map(([plugin, name]) => ({ plugin, name }));
      const queues = await Promise.all(names.map(name => open(name)));
      await Promise.all(queues.map(queue => queue.add({ body: home(queue.name) })));
      for (const queue of queues) await queue.assertCounts({ waiting: 1 }, `of ${home(queue.name)}, which has one job`);
      // Backwards: two queues that are one would hand their jobs out in the order they came.
      for (const queue of queues.toReversed()) {
        const delivery = await queue.takeOne();
        assert.equal(delivery.body, home(queue.name), `what the queue ${home(queue.name)} hands out`);
        await queue.ack(delivery);
      }
      for (const queue of queues) await queue.assertCounts({}, `of ${home(queue.name)}, whose only job is done`);
    },
  };
}

/** What a job says about where it belongs. */
function home({ plugin, name }: QueueName): string {
  return JSON.stringify(`${plugin}/${name}`);
}

export const nameCases = storeCases([
  apartCase('plugins', 'queues of two plugins never meet, wherever the names are cut', u => [
    [`${u}-a-b`, 'c'],
    [`${u}-a`, 'b-c'],
    [`${u}.a`, 'b.c'],
    [`${u}.a.b`, 'c'],
    [`${u}_a`, 'b'],
    ['', `${u}_a_b`],
    ['', `${u}-a-b-c`],
    ['', `${u}.a.b.c`],
  ]),
  apartCase('separators', 'names that differ in a separator only are different queues', u => [
    ['', `${u}a.b`],
    ['', `${u}a_b`],
    ['', `${u}a-b`],
    ['', `${u}a--b`],
    ['', `${u}ab`],
  ]),
  apartCase('case', 'names that differ in case only are different queues', u => [
    ['', `${u}a`],
    ['', `${u}A`],
    [`${u}P`, 'jobs'],
    [`${u}p`, 'jobs'],
  ]),
  apartCase('odd', 'every name of the allowed characters works', u => [
    [u, '.'],
    [u, '..'],
    [u, '-'],
    [u, '_'],
    [u, '0'],
    [u, '__proto__'],
    [u, 'constructor'],
    [u, 'x.fifo'],
  ]),
  apartCase('long', 'names of 64 characters work, and differ when they differ in the last one', u => [
    ['', `${u}${'x'.repeat(63 - u.length)}a`],
    ['', `${u}${'x'.repeat(63 - u.length)}b`],
    [`${u}${'p'.repeat(63 - u.length)}a`, `${'n'.repeat(63)}a`],
    [`${u}${'p'.repeat(63 - u.length)}a`, `${'n'.repeat(63)}b`],
    [`${u}${'p'.repeat(63 - u.length)}b`, `${'n'.repeat(63)}a`],
  ]),
  {
    id: 'names/helpers',
    title: "a queue never meets another queue's dead letters, delayed jobs or retries, whatever it is called",
    rules: [3],
    deadlineMs: 60_000,
    run: async ({ open, queueName, timings: { delayMs, lateMs } }) => {
      const { plugin, name } = queueName();
      const queue = await open({ plugin, name });
      const suffixes = ['-dead', '.dead', '_dead', '-delayed', '.delay', '.retry', '.dlq', '-lane', '.1', '.active'];
      const neighbours = await Promise.all(suffixes.map(suffix => open({ plugin, name: `${name}${suffix}` })));
      await queue.add({ body: '"dead"' }, { body: '"retried"' }, { body: '"delayed"', delayMs });
      for (const delivery of await queue.take(2)) {
        await (delivery.body === '"dead"' ? queue.bury(delivery) : queue.retry(delivery, delayMs));
      }
      const assertUnused = async (neighbour: TrialQueue) => {
        await neighbour.takeNothing(`'${neighbour.name.name}' got a job of '${name}'`);
        await neighbour.assertCounts({}, `of '${neighbour.name.name}', which nobody has used`);
      };
      await Promise.all(neighbours.map(assertUnused));
      const rest = await queue.take(2, { withinMs: delayMs + lateMs });
      assert.deepEqual(new Set(rest.map(({ body }) => body)), new Set(['"retried"', '"delayed"']));
    },
  },
]);
