import assert from 'node:assert/strict';
import { ADAPTER_CONTRACT } from '@switchyard/queue-api';
import { storeCases } from '../../conformance-case.ts';
import { configSection } from '../../harness.ts';

const CLASSIFIED = [
  'unavailable',
  'unknown-outcome',
  'throttled',
  'denied',
  'payload-too-large',
  'lease-lost',
  'rejected',
];

export const adapterCases = storeCases([
  {
    id: 'adapter/states-its-contract',
    title: 'the adapter states a contract that the engine knows, its store and the schema of its section',
    rules: [],
    run: async ({ adapter }) => {
      assert.equal(adapter.contract, ADAPTER_CONTRACT);
      assert.match(adapter.store, /^[A-Za-z][A-Za-z0-9_-]*$/);
      assert.equal(adapter.config['~standard'].version, 1);
      assert.equal(typeof adapter.config['~standard'].validate, 'function');
    },
  },
  {
    id: 'adapter/refuses-unknown-keys',
    title: 'a key that the section does not have is refused, and named',
    rules: [2],
    run: async ({ adapter, harness }) => {
      const section = (await configSection(harness)) ?? {};
      assert.ok(typeof section === 'object', 'a section is an object');
      const { issues } = await adapter.config['~standard'].validate({ ...section, noSuchKeyOfTheKit: 1 });
      assert.ok(issues && issues.length > 0, 'the schema accepts any key');
      assert.match(JSON.stringify(issues), /noSuchKeyOfTheKit/);
    },
  },
  {
    id: 'adapter/refuses-what-is-no-section',
    title: 'a section that is not an object is refused with issues, not with an exception',
    rules: [2],
    run: async ({ adapter }) => {
      for (const nonsense of [42, true, [], [1]]) {
        const { issues } = await adapter.config['~standard'].validate(nonsense);
        assert.ok(issues && issues.length > 0, `the schema accepts ${JSON.stringify(nonsense)}`);
      }
    },
  },
  {
    id: 'adapter/classifies-anything',
    title: 'classify has an answer of the contract for any error, and never throws',
    rules: [25],
    run: async ({ store }) => {
      const thrown: readonly unknown[] = [new Error('?'), { code: 'ECONNRESET' }, 'text', 0, null, undefined, Symbol()];
      for (const error of thrown) {
        assert.ok(CLASSIFIED.includes(store.classify(error)), `classify of a ${typeof error}`);
      }
    },
  },
  {
    id: 'adapter/classifies-lost-connections',
    title: 'a connection that was refused or reset is not called a refusal of the job',
    rules: [7, 25],
    requires: ({ shared, durable }) => shared || durable || 'there is no server to lose',
    run: async ({ store }) => {
      for (const code of ['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EPIPE', 'ENOTFOUND']) {
        const answer = store.classify(Object.assign(new Error(`connect ${code}`), { code, syscall: 'connect' }));
        assert.ok(['unavailable', 'unknown-outcome'].includes(answer), `classify(${code}) says ${answer}`);
      }
    },
  },
]);
