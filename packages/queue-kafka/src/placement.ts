import { BATCH_OVERHEAD_BYTES, recordBytes, type RecordToWrite } from './kafka/record-batch-writer.ts';
import type { Batch } from './kafka/shipment.ts';

/** Where records go, and in which batches. */
export class Placement {
  #next = Math.floor(Math.random() * 1_000_000);

  /** Shares records out to the partitions of a topic, in turn. Answers with the partition of each. */
  spread(count: number, partitions: readonly number[]): number[] {
    const first = this.#next;
    this.#next = (this.#next + count) % Number.MAX_SAFE_INTEGER;
    return Array.from({ length: count }, (_, index) => partitions[(first + index) % partitions.length] ?? 0);
  }
}

export interface PlacedRecord {
  readonly topic: string;
  readonly partition: number;
  readonly record: RecordToWrite;
}

/** Batches that no broker finds too large, and which records are in each. */
export function batchesOf(
  records: readonly PlacedRecord[],
  maxBatchBytes: number,
): { readonly batch: Batch; readonly indexes: readonly number[] }[] {
  interface Filling {
    readonly topic: string;
    readonly partition: number;
    readonly records: RecordToWrite[];
    readonly indexes: number[];
    bytes: number;
  }
  const full: Filling[] = [];
  const filling = new Map<string, Filling>();
  for (const [index, { topic, partition, record }] of records.entries()) {
    const place = `${topic}/${partition}`;
    const bytes = recordBytes(record);
    let batch = filling.get(place);
    if (batch === undefined || batch.bytes + bytes > maxBatchBytes) {
      batch = { topic, partition, records: [], indexes: [], bytes: BATCH_OVERHEAD_BYTES };
      filling.set(place, batch);
      full.push(batch);
    }
    batch.records.push(record);
    batch.indexes.push(index);
    batch.bytes += bytes;
  }
  return full.map(({ indexes, ...batch }) => ({ batch, indexes }));
}
