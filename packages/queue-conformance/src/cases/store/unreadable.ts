import assert from 'node:assert/strict';
import type { Delivery } from '@switchyard/queue-api';
import { storeCases } from '../../conformance-case.ts';
import { NotApplicable } from '../../not-applicable.ts';

/** What a foreign producer, an old version or a broken disk may leave in a queue. */
const FOREIGN: readonly Uint8Array[] = [
  ...['', 'not JSON', '{"a":1}', '[]', 'null', '{"id":1,"body":{}}', '{"__proto__":{"polluted":true}}', '{"v":99}'].map(
    text => new TextEncoder().encode(text),
  ),
  Uint8Array.of(0x00),
  Uint8Array.of(0xff, 0xfe, 0xfd),
];

export const unreadableCases = storeCases([
  {
    id: 'unreadable/set-apart',
    title: 'messages that are not ours are handed out as unreadable and can be buried; their neighbours arrive',
    rules: [19],
    deadlineMs: 60_000,
    run: async ({ open, harness, timings: { wakeMs } }) => {
      const { injectForeign } = harness;
      if (injectForeign === undefined) throw new NotApplicable('the harness has no injectForeign');
      const queue = await open();
      const ours: string[] = [];
      let injected = 0;
      for (const bytes of FOREIGN) {
        ours.push(...(await queue.add({})).map(({ id }) => id));
        // A backend may refuse a message, an empty one for example; then there is nothing to be unreadable.
        const refused = await injectForeign(queue.name, bytes).then(
          () => false,
          () => true,
        );
        if (!refused) injected++;
      }
      ours.push(...(await queue.add({})).map(({ id }) => id));
      assert.ok(injected > 0, 'injectForeign refused everything');

      const came: Delivery[] = [];
      for (let end = performance.now() + wakeMs; came.length < ours.length + injected;) {
        const left = Math.ceil(end - performance.now());
        assert.ok(left > 0, `${came.length} of ${ours.length + injected} messages came: ${JSON.stringify(came)}`);
        const deliveries = await queue.reserve({ waitMs: left });
        if (deliveries.length > 0) end = performance.now() + wakeMs;
        came.push(...deliveries);
      }
      const read = came.flatMap(delivery => (delivery.kind === 'job' ? [delivery.id] : []));
      assert.deepEqual(new Set(read), new Set(ours));
      for (const delivery of came) {
        if (delivery.kind === 'job') await queue.ack(delivery);
        else {
          assert.ok(delivery.why.length > 0, 'an unreadable message says why');
          await queue.bury(delivery, 'unreadable');
        }
      }
      await queue.takeNothing('everything is done or dead');
      await queue.assertCounts({}, 'after everything is done or dead');
      assert.equal(({} as { polluted?: boolean }).polluted, undefined, 'a prototype was polluted');
    },
  },
]);
