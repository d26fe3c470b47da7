import assert from 'node:assert/strict';
import { isQueueError } from '@switchyard/queue-api';
import { queueCases } from '../../conformance-case.ts';

const LARGEST_BODY = 16 * 1024 * 1024;

/** Values that JSON carries faithfully. */
const CARRIED: readonly unknown[] = [
  null,
  '',
  'text',
  0,
  1.5,
  -1,
  1e300,
  false,
  true,
  [],
  {},
  [[]],
  [null],
  { __value: 1 },
  { b: 1, a: { d: 2, c: [3, { e: null }] } },
  'before\u0000after',
  { 'key\u0000': 'value\u0000', '': 'empty key' },
  '\u0001\b\f\n\r\t\u001f\u007f\u2028\u2029\ufeff\ufffe\uffff',
  '👩‍👩‍👧‍👦 e\u0301 \u00e9 שלום',
  '{"already":"JSON"}',
  '"quoted"',
  `' " \\ \` $1 %s <a> &amp; ]]>`,
  JSON.parse('{"__proto__":{"polluted":true},"constructor":1}'),
  Object.setPrototypeOf({ from: 'nowhere' }, null),
];

/** Values that it does not, and where in the payload the trouble is. */
const REFUSED: readonly (readonly [payload: () => unknown, path: string])[] = [
  [() => undefined, 'payload'],
  [() => () => {}, 'payload'],
  [() => Symbol('s'), 'payload'],
  [() => 1n, 'payload'],
  [() => Number.NaN, 'payload'],
  [() => Infinity, 'payload'],
  [() => '\ud800', 'payload'],
  [() => new Date(0), 'payload'],
  [() => ({ at: new Date(0) }), 'payload.at'],
  [() => ({ tags: new Map() }), 'payload.tags'],
  [() => ({ tags: new Set() }), 'payload.tags'],
  [() => ({ bytes: new Uint8Array(1) }), 'payload.bytes'],
  [() => ({ error: new Error('e') }), 'payload.error'],
  [() => ({ items: [{}, {}, { price: Number.NaN }] }), 'payload.items[2].price'],
  [() => ({ items: [1, undefined] }), 'payload.items[1]'],
  [() => ({ a: { b: -Infinity } }), 'payload.a.b'],
  [() => ({ a: [() => {}] }), 'payload.a[0]'],
  [() => ({ text: 'half \udc00' }), 'payload.text'],
  [
    () => {
      const cycle: Record<string, unknown> = {};
      cycle['self'] = { inner: cycle };
      return cycle;
    },
    'payload.self.inner',
  ],
];

export const payloadCases = queueCases([
  {
    id: 'payloads/round-trip',
    title: 'what JSON can carry arrives as it was, keys in their order',
    rules: [4],
    run: async ({ queue: freshQueue, ledger }) => {
      const queue = await freshQueue();
      const ids = await queue.addBulk(CARRIED.map(payload => ({ payload })));
      const log = ledger();
      queue.process(log.handler(), { concurrency: 5 });
      await log.ended(CARRIED.length);
      const arrived = new Map(log.runs.map(({ job }) => [job.id, job.payload as unknown]));
      for (const [index, id] of ids.entries()) {
        assert.equal(JSON.stringify(arrived.get(id)), JSON.stringify(CARRIED[index]));
      }
      assert.equal(({} as { polluted?: boolean }).polluted, undefined, 'a prototype was polluted');
    },
  },
  {
    id: 'payloads/refused',
    title: 'what JSON cannot carry is refused with the path to it, and nothing is stored',
    rules: [4],
    run: async ({ queue: freshQueue, assertCount }) => {
      const queue = await freshQueue();
      for (const [payload, path] of REFUSED) {
        await assert.rejects(
          queue.add(payload()),
          (error: unknown) => isQueueError(error, 'invalid-payload') && error.path === path,
          `the payload with trouble at ${path}`,
        );
      }
      await assertCount(queue, 0, 'after refusals only');
    },
  },
  {
    id: 'payloads/undefined-properties',
    title: 'a property whose value is undefined is left out, and is no error',
    rules: [4],
    run: async ({ queue: freshQueue, ledger }) => {
      const queue = await freshQueue();
      const log = ledger();
      queue.process(log.handler());
      await queue.add({ kept: 1, dropped: undefined, inner: { dropped: undefined } });
      await log.ended(1);
      assert.deepEqual(log.payloads, [{ kept: 1, inner: {} }]);
    },
  },
  {
    id: 'payloads/own-copy',
    title: 'the queue takes its copy when add is called; what handlers do to a payload is not seen by the next attempt',
    rules: [4],
    run: async ({ queue: freshQueue, ledger }) => {
      const queue = await freshQueue();
      const log = ledger();
      const seen: string[] = [];
      queue.process(
        log.handler(({ payload, attempt }) => {
          seen.push(JSON.stringify(payload));
          payload.list.push('by a handler');
          if (attempt === 1) throw new Error('once');
        }),
      );
      const payload = { list: ['original'] };
      const adding = queue.add(payload);
      payload.list.push('after add was called');
      await adding;
      await log.ended(2);
      assert.deepEqual(seen, ['{"list":["original"]}', '{"list":["original"]}']);
    },
  },
  {
    id: 'payloads/too-large',
    title: 'a payload that the store cannot carry is refused with both sizes; one that just fits is carried',
    rules: [6],
    requires: ({ maxBodyBytes }) => maxBodyBytes <= LARGEST_BODY || `the limit is above ${LARGEST_BODY} bytes`,
    deadlineMs: 60_000,
    run: async ({ queue: freshQueue, ledger, assertCount, capabilities: { maxBodyBytes } }) => {
      const queue = await freshQueue();
      await assert.rejects(
        queue.add('x'.repeat(maxBodyBytes - 1)),
        (error: unknown) =>
          isQueueError(error, 'payload-too-large') && error.size === maxBodyBytes + 1 && error.limit === maxBodyBytes,
      );
      await assertCount(queue, 0, 'after a refusal');
      const log = ledger();
      queue.process(log.handler());
      await queue.add('x'.repeat(maxBodyBytes - 2));
      await log.ended(1);
      assert.equal(String(log.payloads[0]).length, maxBodyBytes - 2);
    },
  },
  {
    id: 'payloads/bulk-is-checked-first',
    title: 'addBulk checks every payload before it sends the first',
    rules: [4, 7],
    run: async ({ queue: freshQueue, assertCount }) => {
      const queue = await freshQueue();
      await assert.rejects(queue.addBulk([{ payload: 'good' }, { payload: { bad: Number.NaN } }]), (error: unknown) =>
        isQueueError(error, 'invalid-payload'),
      );
      await assertCount(queue, 0, 'after a refusal');
    },
  },
]);
