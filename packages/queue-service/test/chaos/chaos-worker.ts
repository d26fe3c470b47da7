import type { Job, JobContext } from '@switchyard/queue-api';
import { QueueHandle } from '../../src/engine/queue-handle.ts';
import { SuspectRoom } from '../../src/engine/suspect-room.ts';
import { Reporter } from '../../src/engine/reporter.ts';
import type { ManualClock } from '../../src/testing/manual-clock.ts';
import { FaultyStore } from './faulty-store.ts';
import type { ModelStore } from './model-store.ts';
import type { SeededRandom } from './seeded-random.ts';

/** What a job does when it runs; `flaky` is anything of the first three, each time anew. */
export const BEHAVIOURS = [
  'succeeds',
  'fails',
  'obeys',
  'takes its time',
  'ignores its signal',
  'flaky',
  'kills',
] as const;
export type Behaviour = (typeof BEHAVIOURS)[number];

export const MAX_ATTEMPTS = 4;
const SILENT = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

export interface ChaosWorld {
  readonly clock: ManualClock;
  readonly random: SeededRandom;
  readonly model: ModelStore;
  /** Ids of jobs whose handler or dlqHandler has resolved. */
  readonly resolved: Set<string>;
  /** Everything that must not have happened. */
  readonly sins: string[];
  /** Once over, no handler waits for ever any more. */
  calm: boolean;
}

/** One process with one queue, and a record of everything it must not do. */
export class ChaosWorker {
  readonly queue: QueueHandle;
  readonly store: FaultyStore;
  readonly #world: ChaosWorld;
  readonly #running = new Set<string>();
  readonly #stuck = new Set<() => void>();
  #concurrency = 0;
  #processing = false;

  constructor(world: ChaosWorld) {
    this.#world = world;
    const { clock, random, model } = world;
    this.store = new FaultyStore(model, clock, random);
    const dlqHandler = random.chance(0.5) ? (job: Job) => this.#lastWord(job) : undefined;
    this.queue = new QueueHandle({
      address: { plugin: 'p', name: 'q', connect: () => this.store.connect() },
      store: 'faulty',
      storeError: () => undefined,
      dlqHandler,
      schema: undefined,
      maxAttempts: MAX_ATTEMPTS,
      defaultConcurrency: 1,
      leaseMs: 12_000,
      addTimeoutMs: 10_000,
      shutdownTimeoutMs: 15_000,
      unsupportedOptions: 'warn',
      processes: true,
      clock,
      random: () => random.next(),
      reporter: new Reporter(SILENT, clock),
      suspectRoom: new SuspectRoom(),
    });
  }

  get running(): number {
    return this.#running.size;
  }

  process(): void {
    const { random } = this.#world;
    const concurrency = 1 + random.integer(6);
    try {
      this.queue.process((job, context) => this.#run(job as Job<Behaviour>, context), {
        concurrency,
        prefetch: random.chance(0.5) ? random.integer(5) : 0,
        ...(random.chance(0.5) && { timeout: 1 + random.integer(20_000) }),
      });
      this.#concurrency = concurrency;
      this.#processing = true;
    } catch {
      // It processes already, or is disconnecting: both are as they should be.
    }
  }

  /** As kill -9 would: nothing that runs ends, and nothing is said to the store any more. */
  kill(): void {
    this.store.killed = true;
  }

  /** Lets the handlers return that ignored everything. */
  release(): void {
    for (const end of this.#stuck) end();
  }

  async #run({ id, payload }: Job<Behaviour>, { signal }: JobContext): Promise<void> {
    const { sins, random, resolved, model } = this.#world;
    if (this.store.killed) return this.#forEver();
    if (this.#running.has(id)) sins.push(`job ${id} ran beside itself`);
    this.#running.add(id);
    if (!this.#processing) sins.push(`job ${id} started before process`);
    if (this.#running.size > this.#concurrency) {
      sins.push(`${this.#running.size} handlers at once, with a concurrency of ${this.#concurrency}`);
    }
    if (model.jobs.get(id)?.state === 'dead') sins.push(`dead job ${id} started`);
    try {
      await this.#behave(payload === 'flaky' ? random.pick(['succeeds', 'fails', 'obeys']) : payload, signal);
      if (!this.store.killed) resolved.add(id);
    } finally {
      this.#running.delete(id);
    }
    if (this.store.killed) await this.#forEver();
  }

  async #behave(behaviour: Behaviour, signal: AbortSignal): Promise<void> {
    const { random } = this.#world;
    switch (behaviour) {
      case 'succeeds':
        return this.#pause(random.chance(0.3) ? 0 : random.integer(500));
      case 'takes its time':
        return this.#pause(random.integer(40_000));
      case 'obeys':
        await Promise.race([this.#pause(random.integer(30_000)), aborted(signal)]);
        return signal.throwIfAborted();
      case 'ignores its signal':
        return this.#world.calm ? undefined : this.#forEver();
      case 'kills':
        this.kill();
        return this.#forEver();
      case 'fails':
      case 'flaky':
        if (random.chance(0.5)) await this.#pause(random.integer(2000));
        throw random.pick<unknown>([new Error('no'), 'no', undefined]);
    }
  }

  async #lastWord({ id }: Job): Promise<void> {
    const { random, resolved } = this.#world;
    if (random.chance(0.3)) throw new Error('no');
    await this.#pause(random.integer(3000));
    if (this.store.killed) return this.#forEver();
    resolved.add(id);
  }

  #pause(ms: number): Promise<void> {
    return new Promise(resolve => void this.#world.clock.setTimeout(resolve, ms));
  }

  #forEver(): Promise<void> {
    return new Promise(resolve => void this.#stuck.add(resolve));
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve());
  });
}
