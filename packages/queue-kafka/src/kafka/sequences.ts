import { initProducerIdV4 } from '@platformatic/kafka';
import type { Cluster } from './cluster.ts';
import { brokerCodeOf } from './errors.ts';
import type { ProducerState } from './record-batch-writer.ts';

interface Identity {
  readonly id: bigint;
  readonly epoch: number;
}

const NO_TRANSACTION_MS = 60_000;
const ANSWER_MS = 5000;
const LARGEST = 0x7fff_ffff;

/**
 * By what a broker recognises a batch that comes a second time: the number of the producer, and for each partition how many records
 * it has sent there. A number counts as used once its batch is known to be stored. Where it never becomes known, everything begins
 * anew under another producer: a broker would take another batch with the same number for the one it has, and drop it.
 */
export class Sequences {
  readonly #cluster: Cluster;
  #identity: Promise<Identity | undefined> | undefined;
  #next = new Map<string, number>();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** For the next batch of a partition. `undefined` where the broker lets us be none. Rejects when nobody answers. */
  async stateFor(place: string, timeoutMs: number): Promise<ProducerState | undefined> {
    for (;;) {
      this.#identity ??= this.#introduce(Math.min(timeoutMs, ANSWER_MS));
      const asked = this.#identity;
      let identity: Identity | undefined;
      try {
        identity = await asked;
      } catch (error) {
        if (this.#identity === asked) this.#identity = undefined;
        throw error;
      }
      // A number of the one before would be taken for a batch that is there.
      if (this.#identity !== asked) continue;
      return identity === undefined ? undefined : { ...identity, sequence: this.#next.get(place) ?? 0 };
    }
  }

  /** A batch of so many records is stored. */
  async stored(place: string, state: ProducerState, records: number): Promise<void> {
    const identity = await this.#identity?.catch(() => undefined);
    // Meanwhile everything may have begun anew.
    if (identity?.id === state.id) this.#next.set(place, (state.sequence + records) % (LARGEST + 1));
  }

  /** Nobody knows whether a batch is stored, or the broker does not know us any more. */
  begin(): void {
    this.#identity = undefined;
    this.#next = new Map();
  }

  async #introduce(timeoutMs: number): Promise<Identity | undefined> {
    const request: Parameters<typeof initProducerIdV4.createRequest> = [null, NO_TRANSACTION_MS, -1n, -1];
    try {
      const answer = await this.#cluster.ask('for a producer id', initProducerIdV4.api, request, timeoutMs);
      return { id: answer.producerId, epoch: answer.producerEpoch };
    } catch (error) {
      if (brokerCodeOf(error)?.endsWith('AUTHORIZATION_FAILED') !== true) throw error;
      return undefined;
    }
  }
}
