import type { BulkJob, Queue, QueueOptions } from '@switchyard/queue-api';
import { type ClosableQueueService, createQueueService, type QueueServiceOptions } from '@switchyard/queue-service';

import type { HonestStore } from '../honest/harness-of.ts';

type CreateService = typeof createQueueService;

/** What is wrong with an engine that is otherwise right. */
export interface EngineFlaw {
  /** Before the options of a service reach it. */
  readonly options?: (options: QueueServiceOptions) => QueueServiceOptions;
  /** Before the arguments of `getQueue` reach it. */
  readonly getQueue?: (name: string, options: QueueOptions) => [name: string, options: QueueOptions];
  readonly queue?: (inner: Queue) => Partial<Queue>;
  readonly service?: (inner: ClosableQueueService) => Partial<ClosableQueueService>;
}

/** A deliberately broken engine, and the cases that must reject it. */
export interface BrokenEngine {
  readonly does: string;
  readonly caughtBy: readonly string[];
  /** The honest store underneath; default `memory`. */
  readonly base?: HonestStore;
  readonly flaw: EngineFlaw;
}

/** An engine that does what the real one does, except for its flaw. */
export function breakEngine(flaw: EngineFlaw): CreateService {
  return options => {
    const inner = createQueueService(flaw.options?.(options ?? {}) ?? options);
    const broken = new Map<Queue, Queue>();
    const getQueue = async (name: string, given: QueueOptions = {}) => {
      const queue = await inner.getQueue(...(flaw.getQueue?.(name, given) ?? ([name, given] as const)));
      const made = broken.get(queue) ?? breakQueue(queue, flaw);
      broken.set(queue, made);
      return made;
    };
    const service: ClosableQueueService = { getQueue, health: () => inner.health(), close: () => inner.close() };
    return { ...service, ...flaw.service?.(service) };
  };
}

function breakQueue(inner: Queue, flaw: EngineFlaw): Queue {
  return {
    add: (payload, options) => inner.add(payload, options),
    addBulk: (jobs: readonly BulkJob[]) => inner.addBulk(jobs),
    process: (handler, options) => inner.process(handler, options),
    getJobCount: () => inner.getJobCount(),
    pause: () => inner.pause(),
    resume: () => inner.resume(),
    disconnect: () => inner.disconnect(),
    on: (event, listener) => inner.on(event, listener),
    health: () => inner.health(),
    ...flaw.queue?.(inner),
  };
}
