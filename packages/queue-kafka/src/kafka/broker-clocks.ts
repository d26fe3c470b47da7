/** How long a sample counts: clocks drift, and are set back. */
const SAMPLE_AGE_MS = 60_000;

interface Bucket {
  readonly since: number;
  /** The broker's time minus ours, at least. */
  offset: number;
}

/**
 * What time it is at a broker, at least. Whatever stamped a record with its own time had that time when we heard of it, so its
 * clock has gone on since by what has passed here. The latest time that any sample gives is the nearest to the truth, and none is
 * ahead of it. Samples count for one to two minutes: the clock of a broker may be set back.
 */
export class BrokerClocks {
  readonly #buckets = new Map<number, { current: Bucket; former: Bucket | undefined }>();

  /** A broker said that it is this time. Call it when the answer arrives. */
  heard(node: number, brokerTimeMs: number): void {
    if (brokerTimeMs < 0) return;
    const now = performance.now();
    const offset = brokerTimeMs - now;
    const buckets = this.#buckets.get(node);
    if (buckets === undefined || now - buckets.current.since > SAMPLE_AGE_MS) {
      this.#buckets.set(node, { current: { since: now, offset }, former: buckets?.current });
    } else if (offset > buckets.current.offset) {
      buckets.current.offset = offset;
    }
  }

  /** The time at this broker is this or later, in ms since the epoch; `undefined` when nothing was heard for a while. */
  atLeast(node: number): number | undefined {
    const now = performance.now();
    return this.#latest(node, sample => now - sample.since <= 2 * SAMPLE_AGE_MS);
  }

  /** As it was heard some time, however long ago. */
  roughly(node: number): number | undefined {
    return this.#latest(node, () => true);
  }

  #latest(node: number, counts: (sample: Bucket) => boolean): number | undefined {
    const buckets = this.#buckets.get(node);
    if (buckets === undefined) return undefined;
    const samples = [buckets.current, buckets.former].filter(
      sample => sample !== undefined && counts(sample),
    ) as Bucket[];
    if (samples.length === 0) return undefined;
    return performance.now() + Math.max(...samples.map(({ offset }) => offset));
  }
}
