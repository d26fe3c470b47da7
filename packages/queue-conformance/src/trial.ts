import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { StoreCapabilities } from '@switchyard/queue-api';
import type { ConformanceHarness } from './harness.ts';
import { type Timings, timingsFor } from './timings.ts';
import { Waits } from './waits.ts';

/** One run of one case: its clockwork, what it waits for, and what has to be cleaned up after it. */
export class Trial {
  readonly waits = new Waits();
  readonly timeScale: number;
  readonly #harness: ConformanceHarness;
  readonly #over = new AbortController();
  readonly #objections: string[] = [];
  readonly #endings: (() => Promise<void>)[] = [];

  constructor(harness: ConformanceHarness) {
    this.#harness = harness;
    this.timeScale = harness.timeScale ?? 1;
  }

  /** Aborts when the case is over. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  timings(capabilities: StoreCapabilities): Timings {
    return timingsFor(capabilities, this.timeScale);
  }

  uniqueName(): string {
    return this.#harness.uniqueName?.() ?? `kit-${randomUUID()}`;
  }

  /** Fails the case at its end: something is wrong that no call could report. */
  object(objection: string): void {
    this.#objections.push(objection);
  }

  atEnd(ending: () => Promise<void>): void {
    this.#endings.push(ending);
  }

  /** Ends what the case began, last first; fails if that fails or hangs, or if there was an objection. */
  async end(): Promise<void> {
    this.#over.abort();
    const failures: unknown[] = [];
    for (const ending of this.#endings.toReversed()) {
      const ended = this.waits.within('the end of what the case began', 20_000 * this.timeScale, ending());
      await ended.catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
    assert.deepEqual(this.#objections, []);
  }
}
