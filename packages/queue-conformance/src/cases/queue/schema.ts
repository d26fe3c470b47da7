import assert from 'node:assert/strict';
import { isQueueError, type StandardSchemaV1 } from '@switchyard/queue-api';
import { queueCases } from '../../conformance-case.ts';

interface Input {
  readonly email: string;
}

interface Output extends Input {
  readonly domain: string;
}

/** A schema as small as the standard allows: it checks an address, and adds its domain. */
function emailSchema(accepts: (email: string) => boolean): StandardSchemaV1<Input, Output> {
  return {
    '~standard': {
      version: 1,
      vendor: 'queue-conformance',
      validate: async value => {
        const { email } = (value ?? {}) as Partial<Input>;
        if (typeof email !== 'string' || !accepts(email))
          return { issues: [{ message: 'no address', path: ['email'] }] };
        return { value: { email, domain: email.split('@')[1] ?? '' } };
      },
    },
  };
}

export const schemaCases = queueCases([
  {
    id: 'schema/checks-and-transforms',
    title: "a payload that does not match the schema is refused by add; handlers get the schema's output",
    rules: [20],
    run: async ({ service, queueName, ledger, assertCount }) => {
      const { queues } = await service();
      const queue = await queues.getQueue(queueName(), { schema: emailSchema(email => email.includes('@')) });
      await assert.rejects(
        queue.add({ email: 'nobody' }),
        (error: unknown) =>
          isQueueError(error, 'invalid-payload') && error.path === 'payload.email' && error.issues?.length === 1,
      );
      await assertCount(queue, 0, 'after a refusal');
      const log = ledger();
      queue.process(log.handler());
      await queue.add({ email: 'ada@example.com' });
      await log.ended(1);
      assert.deepEqual(log.payloads, [{ email: 'ada@example.com', domain: 'example.com' }]);
    },
  },
  {
    id: 'schema/outdated-payloads',
    title:
      'a stored payload that no longer matches goes straight to the dlqHandler, as it was stored; its neighbours run',
    rules: [20],
    run: async ({ nextEvent, service, queueName, ledger, assertCount }) => {
      const { queues } = await service();
      let strict = false;
      const dead: unknown[] = [];
      const queue = await queues.getQueue(queueName(), {
        schema: emailSchema(email => email.includes('@') && !(strict && email.startsWith('old'))),
        dlqHandler: (job, error) => {
          dead.push({ ...job, code: isQueueError(error) ? error.code : error.message });
        },
      });
      const [id] = await queue.addBulk([{ payload: { email: 'old@x.org' } }, { payload: { email: 'new@x.org' } }]);
      strict = true;
      const log = ledger();
      const died = nextEvent(queue, 'dead');
      queue.process(log.handler());
      await died;
      await log.ended(1);
      assert.deepEqual(log.payloads, [{ email: 'new@x.org', domain: 'x.org' }]);
      assert.deepEqual(dead, [{ id, payload: { email: 'old@x.org' }, attempt: 1, code: 'invalid-payload' }]);
      await assertCount(queue, 0, 'after both are settled');
    },
  },
]);
