import assert from 'node:assert/strict';
import type { JobDelivery } from '@switchyard/queue-api';
import { storeCases } from '../../conformance-case.ts';

/** 4 KiB of what a store with its own idea of attributes, columns or header encodings would change. */
const HEADERS: Readonly<Record<string, string>> = {
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  'Mixed-Case': 'Kept',
  'mixed-case': 'another one',
  'with space': ' padded ',
  empty: '',
  constructor: 'text',
  ключ: 'значение',
  emoji: '👩‍👩‍👧‍👦',
  'dots.and:colons/slashes': '{"json":[1,"2"]}',
  quotes: `' " \\ \``,
  control: 'tab\tline\r\nnul\u0000end\u007f',
  noncharacters: '\ufeff\u2028\ufffe',
  number: '007',
  long: 'x'.repeat(3_500),
};

function assertHeaders(delivery: JobDelivery, expected: Readonly<Record<string, string>>, when: string): void {
  assert.deepEqual(Object.entries(delivery.headers).toSorted(byName), Object.entries(expected).toSorted(byName), when);
}

function byName([a]: [string, string], [b]: [string, string]): number {
  return a < b ? -1 : 1;
}

export const headerCases = storeCases([
  {
    id: 'headers/unchanged',
    title: '4 KiB of headers of any characters come back as they were, and so does none',
    rules: [4],
    run: async ({ open }) => {
      const queue = await open();
      const [full] = await queue.add({ headers: HEADERS }, { headers: {} });
      for (const delivery of await queue.take(2)) {
        assertHeaders(delivery, delivery.id === full?.id ? HEADERS : {}, 'on the first delivery');
      }
    },
  },
  {
    id: 'headers/survive',
    title: 'headers, body, priority and enqueuedAt survive delays, retries, releases and ended leases',
    rules: [13, 17],
    run: async ({ open, timings: { delayMs, lateMs, leaseMs, leaseEndMs } }) => {
      const queue = await open();
      await queue.add({ headers: HEADERS, body: '["kept"]', priority: 3, delayMs });
      const first = await queue.takeOne({ withinMs: delayMs + lateMs });
      const assertSame = (delivery: JobDelivery, when: string) => {
        assertHeaders(delivery, HEADERS, when);
        const { id, body, priority, enqueuedAt } = delivery;
        assert.deepEqual({ id, body, priority, enqueuedAt }, { ...pick(first) }, when);
      };
      assertSame(first, 'after a delay');

      await queue.retry(first);
      const retried = await queue.takeOne();
      assertSame(retried, 'after a retry at once');

      await queue.retry(retried, delayMs);
      const later = await queue.takeOne({ withinMs: delayMs + lateMs });
      assertSame(later, 'after a delayed retry');

      await queue.release(later);
      assertSame(await queue.takeOne({ leaseMs }), 'after a release');
      assertSame(await queue.takeOne({ withinMs: leaseEndMs }), 'after the lease had ended');
    },
  },
]);

function pick({ id, body, priority, enqueuedAt }: JobDelivery) {
  return { id, body, priority, enqueuedAt };
}
