import assert from 'node:assert/strict';
import { storeCases } from '../../conformance-case.ts';

const KEEPS_NOTE = ({ keepsNote }: { keepsNote: boolean }) => keepsNote || 'the store does not keep notes';

/** 8 KiB: an error message with everything an error message may hold. */
const NOTE = `{"error":"boom \u0000 \u0007 \u2028 👩‍👩‍👧‍👦 ' \\" \\\\ \r\n","stack":"${'é'.repeat(4_000)}"}`;

export const noteCases = storeCases([
  {
    id: 'notes/come-back',
    title: 'the note of a retry comes back with the next delivery, all 8 KiB of it',
    rules: [18],
    requires: KEEPS_NOTE,
    run: async ({ open }) => {
      const queue = await open();
      await queue.add({});
      await queue.retry(await queue.takeOne(), 0, NOTE);
      const second = await queue.takeOne();
      assert.equal(second.note, NOTE);
      await queue.retry(second, 0, 'a later one');
      assert.equal((await queue.takeOne()).note, 'a later one');
    },
  },
  {
    id: 'notes/survive-a-crash',
    title: 'the last note is still there after a delivery that ended in silence',
    rules: [18],
    requires: KEEPS_NOTE,
    run: async ({ open, timings: { leaseMs, leaseEndMs } }) => {
      const queue = await open();
      await queue.add({});
      await queue.retry(await queue.takeOne(), 0, NOTE);
      await queue.takeOne({ leaseMs });
      assert.equal((await queue.takeOne({ withinMs: leaseEndMs })).note, NOTE);
    },
  },
  {
    id: 'notes/of-a-release',
    title: 'a release with a note replaces the note, one without leaves it',
    rules: [14],
    requires: KEEPS_NOTE,
    run: async ({ open }) => {
      const queue = await open();
      await queue.add({});
      await queue.retry(await queue.takeOne(), 0, 'of the failure');
      await queue.release(await queue.takeOne());
      const unchanged = await queue.takeOne();
      assert.equal(unchanged.note, 'of the failure');
      await queue.release(unchanged, { note: 'of the release' });
      assert.equal((await queue.takeOne()).note, 'of the release');
    },
  },
  {
    id: 'notes/absent',
    title: 'where the store does not keep notes, a delivery has none',
    rules: [18],
    requires: ({ keepsNote }) => !keepsNote || 'the store keeps notes',
    run: async ({ open }) => {
      const queue = await open();
      await queue.add({});
      await queue.retry(await queue.takeOne(), 0, NOTE);
      assert.equal((await queue.takeOne()).note, undefined, 'a store that keeps notes declares keepsNote: true');
    },
  },
]);
