import { isQueueError } from '@switchyard/queue-api';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { expectNoUnhandledRejections } from '../engine/world.ts';
import { BEHAVIOURS, ChaosWorker, type ChaosWorld, MAX_ATTEMPTS } from './chaos-worker.ts';
import { BLACK_HOLE, CALM, OUTAGE, STORM } from './faulty-store.ts';
import { ModelStore } from './model-store.ts';
import { SeededRandom } from './seeded-random.ts';

const STEPS = 80;
/** 15 s for handlers, 1 s for their grace, 3 s for settlements, 3 s for adds, 2 s and 2 s of overtime to close. */
const LONGEST_DISCONNECT_MS = 26_000;
/** A pause that meets a disconnect ends with it; otherwise it waits for one other, and the driver may need 13 s for each. */
const LONGEST_PAUSE_MS = 26_000;
/** `addTimeout` counts from when the store last took a job: in a storm that may be a while. */
const LONGEST_ADD_MS = 60_000;
const LONGEST_CALM_MS = 4 * 60 * 60 * 1000;

/** Everything that is stored, by id; and what add said about the rest. */
class Scenario {
  readonly clock = new ManualClock();
  readonly random: SeededRandom;
  readonly model = new ModelStore(this.clock);
  readonly world: ChaosWorld;
  readonly stored = new Set<string>();
  readonly notStored = new Set<string>();
  #worker: ChaosWorker;
  #promises: Promise<unknown>[] = [];

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
    const { clock, random, model } = this;
    this.world = { clock, random, model, resolved: new Set(), sins: [], calm: false };
    this.#worker = new ChaosWorker(this.world);
    model.onSettled = (job, { kind }) => {
      if (kind === 'ack' && !this.world.resolved.has(job.id)) this.world.sins.push(`job ${job.id} was acked unrun`);
      if (kind === 'dead' && job.attempts < MAX_ATTEMPTS) {
        this.world.sins.push(`job ${job.id} died after ${job.attempts} attempts`);
      }
    };
  }

  async run(): Promise<void> {
    for (let step = 0; step < STEPS; step++) {
      this.#act();
      await this.clock.advance(this.random.pick([0, 1, 50, 300, 2000, 6000]));
      this.#replaceTheDead();
    }
    await this.#calmDown();
    const { queue } = this.#worker;
    void this.#expectWithin(LONGEST_DISCONNECT_MS, 'the last disconnect', queue.disconnect());
    await this.clock.advance(120_000);
    await Promise.all(this.#promises);
    expect(this.world.sins).toEqual([]);
    this.#checkEnd();
  }

  #act(): void {
    const { random, model } = this;
    const { queue, store } = this.#worker;
    const actions: readonly (readonly [number, () => void])[] = [
      [30, () => this.#add()],
      [6, () => this.#addBulk()],
      [20, () => this.#worker.process()],
      [5, () => this.#expectWithin(LONGEST_PAUSE_MS, 'pause', queue.pause())],
      [8, () => this.#expectWithin(LONGEST_PAUSE_MS, 'resume', queue.resume())],
      [6, () => this.#expectWithin(LONGEST_DISCONNECT_MS, 'disconnect', queue.disconnect())],
      [2, () => this.#expectWithin(LONGEST_DISCONNECT_MS, 'drain', queue.drain()).finally(() => this.#worker.kill())],
      [10, () => (store.weather = random.pick([CALM, CALM, STORM, STORM, OUTAGE, BLACK_HOLE]))],
      [4, () => model.dropLeases(() => random.chance(0.5))],
      [2, () => this.#worker.kill()],
      [3, () => this.#worker.release()],
    ];
    let roll = random.integer(actions.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, act] of actions) {
      roll -= weight;
      if (roll < 0) return act();
    }
  }

  #add(): void {
    const { random } = this;
    const options = { delay: random.chance(0.2) ? random.integer(10_000) : 0, priority: random.integer(3) };
    const added = this.#worker.queue.add(random.pick(BEHAVIOURS), options).then(
      id => void this.stored.add(id),
      (error: unknown) => this.#refused(error),
    );
    if (!this.#worker.store.killed) void this.#expectWithin(LONGEST_ADD_MS, 'add', added);
  }

  #addBulk(): void {
    const { random } = this;
    const jobs = Array.from({ length: random.integer(60) }, () => ({ payload: random.pick(BEHAVIOURS) }));
    this.#worker.queue.addBulk(jobs).then(
      ids => {
        for (const id of ids) this.stored.add(id);
      },
      (error: unknown) => {
        if (!isQueueError(error, 'bulk-add')) return this.#refused(error);
        for (const one of error.results)
          if (typeof one === 'string') this.stored.add(one);
          else this.#refused(one);
      },
    );
  }

  #refused(error: unknown): void {
    if (!isQueueError(error)) this.world.sins.push(`add failed with ${String(error)}`);
    else if (isQueueError(error, 'unavailable') && error.outcome === 'not-stored' && error.jobId !== undefined) {
      this.notStored.add(error.jobId);
    }
  }

  async #expectWithin(ms: number, what: string, promise: Promise<unknown>): Promise<void> {
    const start = this.clock.now();
    const kept = promise.then(
      () => {
        const took = this.clock.now() - start;
        if (took > ms) this.world.sins.push(`${what} took ${took} ms`);
      },
      (error: unknown) => void this.world.sins.push(`${what} failed: ${String(error)}`),
    );
    this.#promises.push(kept);
    await kept;
  }

  #replaceTheDead(): void {
    if (!this.#worker.store.killed) return;
    this.#worker = new ChaosWorker(this.world);
    this.#worker.process();
  }

  /** Whatever happened before: now that all is well, every job must come to its end. */
  async #calmDown(): Promise<void> {
    this.world.calm = true;
    const end = this.clock.now() + LONGEST_CALM_MS;
    do {
      this.#replaceTheDead();
      const worker = this.#worker;
      worker.store.weather = CALM;
      worker.release();
      void worker.queue.resume();
      worker.process();
      await this.clock.advance(10_000);
      if (this.clock.now() > end) {
        throw new Error(`never finished: ${JSON.stringify(this.model.unfinished)}`);
      }
    } while (this.model.unfinished.length > 0 || this.#worker.running > 0);
  }

  #checkEnd(): void {
    const { jobs } = this.model;
    expect([...this.stored].filter(id => !jobs.has(id))).toEqual([]);
    expect([...this.notStored].filter(id => jobs.has(id))).toEqual([]);
    expect([...jobs.values()].filter(({ state }) => state !== 'done' && state !== 'dead')).toEqual([]);
  }
}

describe('The engine in chaos', () => {
  const runs = Number(process.env['CHAOS_RUNS'] ?? 60);
  const seed = Number(process.env['CHAOS_SEED'] ?? 1);

  it('keeps its invariants, and loses no job', { timeout: 30_000 + runs * 1000 }, async () => {
    expectNoUnhandledRejections();
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 2 ** 31 }), scenario => new Scenario(scenario).run()),
      { numRuns: runs, seed, endOnFailure: true },
    );
  });
});
