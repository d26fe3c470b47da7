import assert from 'node:assert/strict';
import type { Queue, QueueEvents, QueueService, StoreCapabilities } from '@switchyard/queue-api';
import type { createQueueService } from '@switchyard/queue-service';
import { type ConformanceHarness, configSection } from '../harness.ts';
import { readCapabilities } from '../read-capabilities.ts';
import type { Timings } from '../timings.ts';
import type { Trial } from '../trial.ts';
import { Ledger } from './ledger.ts';
import { type LogLine, recordingLogger } from './recording-logger.ts';

/** The engine. */
export type CreateService = typeof createQueueService;

/** Settings of one service; what a case does not name is set so that the case is quick. */
export interface ServiceSettings {
  readonly leaseDuration?: number;
  readonly shutdownTimeout?: number;
  readonly maxAttempts?: number;
  readonly defaultConcurrency?: number;
  readonly unsupportedOptions?: 'warn' | 'error';
}

/** One process' worth of queues, and what it logged. */
export interface TrialService {
  readonly queues: QueueService;
  readonly log: readonly LogLine[];
  readonly close: () => Promise<void>;
}

/** What a queue-level case works with. */
export interface QueueContext {
  readonly harness: ConformanceHarness;
  readonly capabilities: StoreCapabilities;
  readonly timings: Timings;
  /** Names a queue that nobody has used. */
  readonly queueName: () => string;
  /** A service on the store on trial, as a process of its own would have it; closed when the case ends. */
  readonly service: (settings?: ServiceSettings) => Promise<TrialService>;
  /** A fresh queue of a fresh service. */
  readonly queue: (settings?: ServiceSettings) => Promise<Queue>;
  /** A record of what handlers did. */
  readonly ledger: () => Ledger;
  /** The next event of that name, or a failure that says it did not come. Listen before causing it. */
  readonly nextEvent: <E extends keyof QueueEvents>(queue: Queue, event: E) => Promise<QueueEvents[E]>;
  /** Awaits, or fails with a message that says what was awaited. */
  readonly within: <T>(what: string, ms: number, promise: Promise<T>) => Promise<T>;
  readonly eventually: (what: string, ms: number, check: () => Promise<void> | void) => Promise<void>;
  /** Asserts what `getJobCount` comes to: it may lag behind by a moment, by more where counts are approximate. */
  readonly assertCount: (queue: Queue, expected: number, when: string) => Promise<void>;
}

/** Hands out what a case may use; all of it is closed with the trial. */
export async function createQueueContext(
  harness: ConformanceHarness,
  trial: Trial,
  createService: CreateService,
): Promise<QueueContext> {
  const { waits } = trial;
  const capabilities = await waits.within('connect', 15_000 * trial.timeScale, readCapabilities(harness));
  const timings = trial.timings(capabilities);

  const service = async (settings: ServiceSettings = {}): Promise<TrialService> => {
    const { logger, log } = recordingLogger();
    const { adapter } = harness;
    const queues = createService({
      adapters: [adapter],
      defaultStore: adapter.store,
      leaseDuration: timings.longLeaseMs,
      shutdownTimeout: timings.callMs,
      ...settings,
      [adapter.store]: await configSection(harness),
      logger,
    });
    trial.atEnd(() => queues.close());
    return { queues, log, close: () => queues.close() };
  };
  return {
    harness,
    capabilities,
    timings,
    queueName: () => trial.uniqueName(),
    service,
    queue: async settings => (await service(settings)).queues.getQueue(trial.uniqueName()),
    nextEvent: (queue, event) => {
      // Not scaled down with the rest: two backoffs of the engine fit in.
      const ms = 4 * timings.wakeMs + 4 * timings.lateMs + 4_000;
      const arrival = waits.within(`the event '${event}'`, ms, arrivalOf(queue, event));
      arrival.catch(() => {});
      return arrival;
    },
    ledger: () => new Ledger(waits, timings),
    within: (what, ms, promise) => waits.within(what, ms, promise),
    eventually: (what, ms, check) => waits.eventually(what, ms, check),
    assertCount: (queue, expected, when) =>
      waits.eventually(`getJobCount ${when}`, 4 * timings.wakeMs, async () =>
        assert.equal(await queue.getJobCount(), expected),
      ),
  };
}

function arrivalOf<E extends keyof QueueEvents>(queue: Queue, event: E): Promise<QueueEvents[E]> {
  return new Promise(resolve => {
    const stop = queue.on(event, data => {
      stop();
      resolve(data);
    });
  });
}
