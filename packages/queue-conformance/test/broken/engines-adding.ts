import { setTimeout as elapse } from 'node:timers/promises';
import type { QueueOptions } from '@switchyard/queue-api';
import type { BrokenEngine } from './break-engine.ts';
import { without } from './without.ts';

const SILENT = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Engines that take anything. */
export const enginesThatTakeAnything: readonly BrokenEngine[] = [
  {
    does: 'trusts JSON.stringify',
    caughtBy: ['payloads/refused'],
    flaw: {
      queue: inner => ({
        add: (payload, options) => inner.add(JSON.parse(JSON.stringify(payload) ?? 'null'), options),
      }),
    },
  },
  {
    does: 'takes what is falsy for nothing',
    caughtBy: ['payloads/round-trip'],
    flaw: {
      queue: inner => ({
        addBulk: jobs => inner.addBulk(jobs.map(({ payload, ...job }) => ({ ...job, payload: payload || {} }))),
      }),
    },
  },
  {
    does: 'sends undefined as null',
    caughtBy: ['payloads/undefined-properties'],
    flaw: {
      queue: inner => ({
        add: (payload, options) => {
          const text = JSON.stringify(payload, (_, value: unknown) => (value === undefined ? null : value));
          return inner.add(JSON.parse(text), options);
        },
      }),
    },
  },
  {
    does: 'reads the payload when it gets round to it',
    caughtBy: ['payloads/own-copy'],
    flaw: {
      queue: inner => ({
        add: async (payload, options) => {
          await elapse(1);
          return inner.add(payload, options);
        },
      }),
    },
  },
  {
    does: 'adds in bulk one by one',
    caughtBy: ['payloads/bulk-is-checked-first'],
    flaw: {
      queue: inner => ({
        addBulk: async jobs => {
          const ids: string[] = [];
          for (const { payload, options } of jobs) ids.push(await inner.add(payload, options));
          return ids;
        },
      }),
    },
  },
  {
    does: 'drops options that are out of range',
    caughtBy: ['refusals/options'],
    flaw: {
      queue: inner => ({ add: (payload, options) => inner.add(payload, options).catch(() => inner.add(payload)) }),
    },
  },
  {
    does: 'cleans names up, stores too',
    caughtBy: ['refusals/names', 'refusals/unknown-store'],
    flaw: {
      getQueue: (name, options) => [
        name.replaceAll(/[^A-Za-z0-9._-]/g, '_').slice(0, 64) || 'queue',
        without(options, 'store'),
      ],
    },
  },
  {
    does: 'has no use for a schema',
    caughtBy: ['schema/checks-and-transforms', 'schema/outdated-payloads'],
    flaw: { getQueue: (name, options) => [name, without(options, 'schema')] },
  },
  {
    does: 'says nothing',
    caughtBy: ['getting/first-options-win'],
    flaw: { options: options => ({ ...options, logger: SILENT }) },
  },
  {
    does: 'keeps to itself that the store has no priorities',
    caughtBy: ['concurrency/unsupported-priority'],
    base: 'modest',
    flaw: { options: options => ({ ...options, logger: SILENT }) },
  },
  {
    does: 'cuts a delay down to what the store can wait for',
    caughtBy: ['refusals/delay-beyond-the-store'],
    base: 'modest',
    flaw: {
      queue: inner => ({
        add: (payload, { delay = 0, ...options } = {}) =>
          inner.add(payload, { ...options, delay: Math.min(delay, 900_000) }),
      }),
    },
  },
  {
    does: 'makes a new queue whenever it is asked for one',
    caughtBy: ['getting/memoised'],
    flaw: {
      service: inner => ({
        getQueue: async (name: string, options: QueueOptions) => ({ ...(await inner.getQueue(name, options)) }),
      }),
    },
  },
];
