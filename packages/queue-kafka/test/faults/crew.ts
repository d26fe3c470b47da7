import { randomUUID } from 'node:crypto';
import { setTimeout as elapse } from 'node:timers/promises';
import {
  type BulkJob,
  isQueueError,
  type Outcome,
  type QueueAdapter,
  type QueueStore,
  type StoreQueue,
} from '@switchyard/queue-api';
import { kafkaAdapter } from '@switchyard/queue-kafka';
import { createQueueService } from '@switchyard/queue-service';
import { expect, vi } from 'vitest';
import { topicNames } from '../../src/topic-names.ts';
import { optionsFor, SESSION_MS } from './place.ts';

export interface Task {
  /** How long it takes. */
  readonly ms: number;
  readonly [other: string]: unknown;
}

/** One run of a job. */
export interface Run {
  readonly id: string;
  readonly worker: number;
  readonly startedAt: number;
  endedAt: number | undefined;
}

export interface CrewOptions {
  readonly brokers: string;
  readonly settings?: Readonly<Record<string, unknown>>;
  /** What the handler does. Default: it takes as long as the job says. */
  readonly work?: (task: Task, id: string) => Promise<void>;
}

export interface HireOptions {
  /** The brokers as the worker sees them. Default: as they are. */
  readonly via?: string;
  readonly concurrency?: number;
  readonly leaseDuration?: number;
}

export type Crew = Awaited<ReturnType<typeof createCrew>>;
export type Hired = Awaited<ReturnType<Crew['hire']>>;

/** Workers of one queue in this process, somebody who adds jobs, and a ledger of both. */
export async function createCrew({ brokers, settings = {}, work = task => elapse(task.ms) }: CrewOptions) {
  const place = optionsFor(brokers, settings);
  const name = `work-${randomUUID()}`;
  const runs: Run[] = [];
  const added = new Map<string, { readonly from: number; readonly to: number }>();
  const doubtful = new Set<string>();
  const adapter = noting(doubtful);
  const services: { close(): Promise<void> }[] = [];
  let workers = 0;

  async function join(via: string, { leaseDuration = SESSION_MS, ...more }: Record<string, unknown> = {}) {
    const logged: { code: string | undefined; message: string }[] = [];
    const note = (message: string, meta?: Record<string, string>) =>
      void logged.push({ code: meta?.['code'], message });
    const service = createQueueService({
      ...place,
      kafka: { ...(place['kafka'] as object), brokers: via },
      adapters: [adapter],
      leaseDuration: leaseDuration as number,
      addTimeout: 30_000,
      logger: { debug() {}, info() {}, warn: note, error: note },
      ...more,
    });
    services.push(service);
    return { service, queue: await service.getQueue<Task>(name), logged };
  }

  let producer = await join(brokers, { process: false });

  async function add(jobs: readonly BulkJob<Task>[]): Promise<string[]> {
    const from = Date.now();
    const ids = await producer.queue.addBulk(jobs);
    for (const id of ids) added.set(id, { from, to: Date.now() });
    return ids;
  }

  const crew = {
    topics: topicNames((place['kafka'] as { topicPrefix: string }).topicPrefix, { plugin: '', name }),
    runs,
    /** The jobs that the store has said it has: when that was asked of it, and when it said so. */
    added,
    /** Jobs of which it is not known whether they were stored, so that they were added once more: they may run twice. */
    doubtful,
    count: () => producer.queue.getJobCount(),
    add,
    addTasks: (count: number, task: Task = { ms: 5 }) => add(Array.from({ length: count }, () => ({ payload: task }))),
    /** Somebody else adds from now on, who knows what the brokers know now. */
    async newProducer(via = brokers) {
      producer = await join(via, { process: false });
    },
    async hire({ via = brokers, concurrency = 5, leaseDuration = SESSION_MS }: HireOptions = {}) {
      const worker = workers++;
      const { service, queue, logged } = await join(via, { leaseDuration });
      /** Jobs that it was told belong to others. */
      const lost: string[] = [];
      const completed: string[] = [];
      queue.on('error', ({ error, id }) => {
        if (id !== undefined && isQueueError(error, 'lease-lost')) lost.push(id);
      });
      queue.on('completed', ({ id }) => void completed.push(id));
      const handler = async ({ id, payload }: { id: string; payload: Task }) => {
        const run: Run = { id, worker, startedAt: Date.now(), endedAt: undefined };
        runs.push(run);
        await work(payload, id);
        run.endedAt = Date.now();
      };
      queue.process(handler, { concurrency });
      const ran = () => runs.filter(run => run.worker === worker);
      return { worker, queue, service, logged, lost, completed, ran, leave: () => service.close() };
    },
    /** Adds jobs until it is told to stop, which resolves once the last has been added. */
    load(task: Task = { ms: 5 }, { batch = 20, everyMs = 20 } = {}) {
      const ending = new AbortController();
      const adding = (async () => {
        while (!ending.signal.aborted) {
          await crew.addTasks(batch, task);
          await elapse(everyMs);
        }
      })();
      adding.catch(() => {});
      return async () => {
        ending.abort();
        await adding;
      };
    },
    /** Waits until so many jobs more have been run to their end. */
    async untilEnded(more: number, within = 30_000): Promise<void> {
      const ended = () => runs.filter(({ endedAt }) => endedAt !== undefined).length;
      const goal = ended() + more;
      await vi.waitFor(() => expect(ended()).toBeGreaterThanOrEqual(goal), { timeout: within, interval: 10 });
    },
    /** Waits until no job is left, and asserts that each has run to its end. Answers with the ids of those that began twice. */
    async allEnded({ within = 60_000, except = [] }: { within?: number; except?: readonly string[] } = {}) {
      const missing = () => {
        const ended = new Set(runs.filter(({ endedAt }) => endedAt !== undefined).map(({ id }) => id));
        return [...added.keys()].filter(id => !ended.has(id) && !except.includes(id));
      };
      await vi.waitFor(() => expect(missing()).toEqual([]), { timeout: within, interval: 50 });
      await vi.waitFor(async () => expect(await producer.queue.getJobCount()).toBe(0), {
        timeout: within,
        interval: 50,
      });
      return crew.twice();
    },
    /** The ids of jobs that began more than once. */
    twice(): string[] {
      const seen = new Set<string>();
      const again = runs.filter(({ id }) => seen.size === seen.add(id).size);
      return [...new Set(again.map(({ id }) => id))];
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(services.map(service => service.close()));
    },
  };
  return crew;
}

/** The adapter, with a list of the jobs of which an `enqueue` did not know whether they were stored. */
function noting(doubtful: Set<string>): QueueAdapter {
  return {
    ...kafkaAdapter,
    async connect(config, context): Promise<QueueStore> {
      const store = await kafkaAdapter.connect(config as Parameters<typeof kafkaAdapter.connect>[0], context);
      const isDoubtful = (outcome: Outcome | undefined) => outcome?.ok === false && outcome.code === 'unknown-outcome';
      return {
        capabilities: store.capabilities,
        classify: error => store.classify(error),
        close: options => store.close(options),
        async open(toOpen): Promise<StoreQueue> {
          const queue = await store.open(toOpen);
          const enqueue = queue.enqueue.bind(queue);
          queue.enqueue = async (jobs, options) => {
            try {
              const outcomes = await enqueue(jobs, options);
              for (const [index, { id }] of jobs.entries()) if (isDoubtful(outcomes[index])) doubtful.add(id);
              return outcomes;
            } catch (error) {
              if (store.classify(error) === 'unknown-outcome') for (const { id } of jobs) doubtful.add(id);
              throw error;
            }
          };
          return queue;
        },
      };
    },
  };
}
