import assert from 'node:assert/strict';
import { storeCases } from '../../conformance-case.ts';
import { summary } from '../../store/outcomes.ts';
import { newJob } from '../../store/trial-queue.ts';

/** JSON texts that a store which parses, trims, re-encodes or escapes would change. Each is valid JSON. */
const TEXTS: Readonly<Record<string, string>> = {
  null: 'null',
  'an empty string': '""',
  zero: '0',
  false: 'false',
  'an empty array': '[]',
  'an empty object': '{}',
  'a wrapped value': '{"__value":1}',
  'keys out of order': '{"b":1,"a":2,"10":3,"9":4}',
  'a key twice': '{"a":1,"a":2}',
  'a prototype': '{"__proto__":{"polluted":true},"constructor":{"prototype":1}}',
  formatting: '{ "a" : [ 1 , 2 ] ,\n\t"b" : null }',
  'line ends': '["a",\r\n"b",\r"c",\n"d"]',
  'space around': '  "padded"  ',
  'an escaped NUL': String.raw`"before\u0000after"`,
  'an escaped lone surrogate': String.raw`"\ud800"`,
  'escapes that need none': String.raw`"\u0041\/"`,
  'control characters': String.raw`"\u0001\u001f\b\f\n\r\t"`,
  'DEL and noncharacters': '"\u007f\u0080\ufffe\uffff\ufdd0"',
  'line separators': '"\u2028\u2029"',
  'a byte order mark': '"\ufefftext"',
  'the replacement character': '"\ufffd"',
  emoji: '"👩‍👩‍👧‍👦 🏴󠁧󠁢󠁳󠁣󠁴󠁿"',
  'combining marks': '"e\u0301 is not \u00e9"',
  'right to left': '"שלום \u202eabc"',
  'numbers as written': '[1.0,1e2,1E+2,-0,0.1,12345678901234567890,1e400]',
  'JSON in a string': String.raw`"{\"a\":\"[1]\"}"`,
  'a string that looks like an array': '"{a,b}"',
  'quotes and backslashes': String.raw`"' \" \\ \\\\ $1 $$ %s ${'`'}"`,
  markup: '"<a href=\'x\'>&amp;&#0;]]></a>"',
  statements: '"\'; DROP TABLE jobs; --"',
  wildcards: '"* ? [a-z] {tag} %25 :colon"',
};

/** Bodies up to this size are built to try the limit. */
const LARGEST_BODY = 16 * 1024 * 1024;

export const bodyCases = storeCases([
  {
    id: 'bodies/unchanged',
    title: 'a body comes back character by character, whatever JSON it is, also after a retry',
    rules: [4],
    run: async ({ open }) => {
      const queue = await open();
      const added = await queue.add(...Object.values(TEXTS).map(body => ({ body })));
      const names = new Map(added.map(({ id }, index) => [id, Object.keys(TEXTS)[index] ?? '']));
      for (const when of ['at first', 'after a retry']) {
        const taken = await queue.take(added.length);
        const changed = taken.flatMap(({ id, body }) => {
          const name = names.get(id) ?? 'an unknown job';
          return TEXTS[name] === body ? [] : [`${name}: ${JSON.stringify(body)}`];
        });
        assert.deepEqual(changed, [], `bodies that come back changed ${when}`);
        for (const delivery of taken) await queue.retry(delivery);
      }
    },
  },
  {
    id: 'bodies/at-the-limit',
    title: 'bodies are carried up to exactly maxBodyBytes of UTF-8',
    rules: [6],
    requires: ({ maxBodyBytes }) => maxBodyBytes <= LARGEST_BODY || `the limit is above ${LARGEST_BODY} bytes`,
    deadlineMs: 60_000,
    run: async ({ open, capabilities: { maxBodyBytes } }) => {
      const queue = await open();
      for (const body of [textOf(maxBodyBytes - 1, 'x'), textOf(maxBodyBytes, 'x'), textOf(maxBodyBytes, 'é')]) {
        await queue.add({ body });
        const delivery = await queue.takeOne();
        assert.ok(delivery.body === body, `a body of ${Buffer.byteLength(body)} bytes comes back changed`);
        await queue.ack(delivery);
      }
    },
  },
  {
    id: 'bodies/above-the-limit',
    title: 'a body above maxBodyBytes does not take its neighbours along',
    rules: [6],
    requires: ({ maxBodyBytes, maxBatch }) =>
      (maxBodyBytes <= LARGEST_BODY && maxBatch.enqueue >= 3) || `the limit is above ${LARGEST_BODY} bytes`,
    deadlineMs: 60_000,
    run: async ({ open, capabilities: { maxBodyBytes } }) => {
      const queue = await open();
      const batch = [newJob({}), newJob({ body: textOf(maxBodyBytes + 1, 'x') }), newJob({})];
      const outcomes = summary(await queue.enqueue(batch));
      // The engine refuses such a job itself, so a store with room to spare may as well keep it.
      const stored = batch.filter((_, index) => outcomes[index] === 'ok');
      assert.ok(['ok,ok,ok', 'ok,payload-too-large,ok'].includes(outcomes.join()), `outcomes: ${outcomes.join()}`);
      const taken = await queue.take(stored.length);
      assert.deepEqual(new Set(taken.map(({ id }) => id)), new Set(stored.map(({ id }) => id)));
      await queue.takeNothing('what was refused is not stored');
    },
  },
  {
    id: 'bodies/large',
    title: 'a body of a megabyte is carried unchanged',
    rules: [6],
    requires: ({ maxBodyBytes }) => maxBodyBytes > LARGEST_BODY || 'the limit itself is tried',
    run: async ({ open }) => {
      const queue = await open();
      const body = textOf(1024 * 1024, 'é');
      await queue.add({ body });
      assert.ok((await queue.takeOne()).body === body, 'the body comes back changed');
    },
  },
]);

/** JSON text of exactly `bytes` bytes. */
function textOf(bytes: number, filling: 'x' | 'é'): string {
  const width = Buffer.byteLength(filling);
  const inner = bytes - 2;
  return `"${filling.repeat(Math.floor(inner / width))}${'x'.repeat(inner % width)}"`;
}
