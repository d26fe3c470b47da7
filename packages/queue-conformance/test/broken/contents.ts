import { randomUUID } from 'node:crypto';
import type { NewJob } from '@switchyard/queue-api';
import { type BrokenStore, inEveryDelivery } from './break-store.ts';
import { without } from './without.ts';

const SMALL = 64 * 1024;

/** Stores that lose or change what a job carries. */
export const storesThatChangeJobs: readonly BrokenStore[] = [
  {
    does: 'parses bodies and writes them anew',
    caughtBy: ['bodies/unchanged'],
    flaw: inEveryDelivery(
      () => undefined,
      delivery => ({ ...delivery, body: JSON.stringify(JSON.parse(delivery.body)) }),
    ),
  },
  {
    does: 'refuses a body of exactly its limit',
    caughtBy: ['bodies/at-the-limit', 'payloads/too-large'],
    flaw: {
      capabilities: { maxBodyBytes: SMALL },
      queue: inner => ({
        enqueue: async (jobs, options) =>
          jobs.some(({ body }) => Buffer.byteLength(body) >= SMALL)
            ? jobs.map(() => ({ ok: false, code: 'payload-too-large' }))
            : inner.enqueue(jobs, options),
      }),
    },
  },
  {
    does: 'refuses a whole batch for one body that is too large',
    caughtBy: ['bodies/above-the-limit'],
    flaw: {
      capabilities: { maxBodyBytes: SMALL },
      queue: inner => ({
        enqueue: async (jobs, options) =>
          jobs.some(({ body }) => Buffer.byteLength(body) > SMALL)
            ? jobs.map(() => ({ ok: false, code: 'payload-too-large' }))
            : inner.enqueue(jobs, options),
      }),
    },
  },
  {
    does: 'cuts large bodies off',
    caughtBy: ['bodies/large'],
    flaw: {
      capabilities: { maxBodyBytes: 2 ** 30 },
      ...inEveryDelivery(
        () => undefined,
        delivery => ({ ...delivery, body: delivery.body.slice(0, SMALL) }),
      ),
    },
  },
  {
    does: 'keeps a reference to what it was given',
    caughtBy: ['adding/own-copy'],
    flaw: {
      queue: inner => {
        const given = new Map<string, NewJob>();
        return {
          enqueue: (jobs, options) => {
            for (const job of jobs) given.set(job.id, job);
            return inner.enqueue(jobs, options);
          },
          reserve: async request => {
            const deliveries = await inner.reserve(request);
            return deliveries.map(delivery => {
              const job = delivery.kind === 'job' ? given.get(delivery.id) : undefined;
              return job ? { ...delivery, body: job.body, headers: job.headers, priority: job.priority } : delivery;
            });
          },
        };
      },
    },
  },
  {
    does: 'writes header names in lower case',
    caughtBy: ['headers/unchanged'],
    flaw: inEveryDelivery(
      () => undefined,
      delivery => {
        const headers = Object.entries(delivery.headers).map(([name, value]) => [name.toLowerCase(), value]);
        return { ...delivery, headers: Object.fromEntries(headers) };
      },
    ),
  },
  {
    does: 'loses the headers on a retry',
    caughtBy: ['headers/survive'],
    flaw: inEveryDelivery(
      () => undefined,
      delivery => (delivery.attempt > 1 ? { ...delivery, headers: {} } : delivery),
    ),
  },
  {
    does: 'stores an id as often as it is added',
    caughtBy: [
      'same-id/waiting',
      'same-id/delayed',
      'same-id/active',
      'same-id/retrying',
      'same-id/in-one-batch',
      'same-id/concurrently',
    ],
    flaw: {
      queue: inner => {
        const given = new Map<string, string>();
        return {
          enqueue: (jobs, options) => {
            const renamed = jobs.map(job => {
              const id = randomUUID();
              given.set(id, job.id);
              return { ...job, id };
            });
            return inner.enqueue(renamed, options);
          },
          reserve: async request => {
            const deliveries = await inner.reserve(request);
            return deliveries.map(delivery =>
              delivery.kind === 'job' ? { ...delivery, id: given.get(delivery.id) ?? delivery.id } : delivery,
            );
          },
        };
      },
    },
  },
  {
    does: 'loses the last job of a batch and says ok',
    caughtBy: ['adding/batch-order', 'contention/none-twice-none-lost', 'processing/in-bulk'],
    flaw: {
      queue: inner => ({
        enqueue: async (jobs, options) => {
          if (jobs.length < 2) return inner.enqueue(jobs, options);
          return [...(await inner.enqueue(jobs.slice(0, -1), options)), { ok: true }];
        },
      }),
    },
  },
  {
    does: 'loses notes',
    caughtBy: ['notes/come-back'],
    flaw: inEveryDelivery(
      () => undefined,
      delivery => without(delivery, 'note'),
    ),
  },
  {
    does: 'hands a note out once',
    caughtBy: ['notes/survive-a-crash'],
    flaw: inEveryDelivery(
      () => new Map<string, string>(),
      ({ note, ...delivery }, shown) => {
        if (note === undefined || shown.get(delivery.id) === note) return delivery;
        shown.set(delivery.id, note);
        return { ...delivery, note };
      },
    ),
  },
  {
    does: 'wipes the note on a release',
    caughtBy: ['notes/of-a-release'],
    flaw: {
      queue: inner => ({
        settle: (settlements, options) =>
          inner.settle(
            settlements.map(settlement => (settlement.kind === 'release' ? { note: '', ...settlement } : settlement)),
            options,
          ),
      }),
    },
  },
];
