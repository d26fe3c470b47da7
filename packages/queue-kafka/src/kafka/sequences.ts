import { initProducerIdV4 } from '@platformatic/kafka';
import { inTime } from '../in-time.ts';
import type { Cluster } from './cluster.ts';
import { brokerCodeOf, NotSentError } from './errors.ts';
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
  #asking: Promise<Identity | undefined> | undefined;
  /** Of whom the numbers are. */
  #id: bigint | undefined;
  #next = new Map<string, number>();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** For the next batch of a partition. `undefined` where the broker lets us be none. Rejects when nobody answers. */
  async stateFor(place: string, timeoutMs: number): Promise<ProducerState | undefined> {
    for (;;) {
      this.#asking ??= this.#introduce();
      const asked = this.#asking;
      const late = () => new NotSentError('A produce', new Error('no broker has given us a producer id in time'));
      const identity = await inTime(asked, timeoutMs, late);
      // A number of the one before would be taken for a batch that is there.
      if (this.#asking !== asked) continue;
      return identity === undefined ? undefined : { ...identity, sequence: this.#next.get(place) ?? 0 };
    }
  }

  /** A batch of so many records is stored. */
  stored(place: string, { id, sequence }: ProducerState, records: number): void {
    // Meanwhile everything may have begun anew.
    if (this.#id === id) this.#next.set(place, (sequence + records) % (LARGEST + 1));
  }

  /** Nobody knows whether a batch is stored, or the broker does not know us any more. */
  begin(): void {
    this.#asking = undefined;
    this.#id = undefined;
    this.#next = new Map();
  }

  #introduce(): Promise<Identity | undefined> {
    const asking: Promise<Identity | undefined> = this.#ask().then(
      identity => {
        if (this.#asking === asking) this.#id = identity?.id;
        return identity;
      },
      error => {
        if (this.#asking === asking) this.#asking = undefined;
        throw error;
      },
    );
    return asking;
  }

  async #ask(): Promise<Identity | undefined> {
    const request: Parameters<typeof initProducerIdV4.createRequest> = [null, NO_TRANSACTION_MS, -1n, -1];
    try {
      const answer = await this.#cluster.ask('for a producer id', initProducerIdV4.api, request, ANSWER_MS);
      return { id: answer.producerId, epoch: answer.producerEpoch };
    } catch (error) {
      if (brokerCodeOf(error)?.endsWith('AUTHORIZATION_FAILED') === true) return undefined;
      // A new broker has none to give for a moment. Whatever it is, nothing was produced.
      throw new NotSentError('A produce', error);
    }
  }
}
