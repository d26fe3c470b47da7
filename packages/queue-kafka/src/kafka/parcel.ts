import type { ProduceTopic } from './raw-apis.ts';
import { writeRecordBatch } from './record-batch-writer.ts';
import type { Shipment } from './shipment.ts';

/** Brokers take requests up to 100 MiB (`socket.request.max.bytes`). */
const MOST_REQUEST_BYTES = 32 * 1024 * 1024;

/** What goes to one leader in one request. */
export interface Parcel {
  readonly node: number;
  /** It may be stored there already. */
  readonly isAgain: boolean;
  readonly contents: { readonly shipment: Shipment; readonly bytes: Buffer }[];
  bytes: number;
}

/** In as few requests as there are leaders, if they take that much. What may be stored already goes by itself. */
export function parcelsOf(going: readonly { readonly node: number; readonly shipment: Shipment }[]): Parcel[] {
  const now = Date.now();
  const parcels: Parcel[] = [];
  for (const { node, shipment } of going) {
    const bytes = writeRecordBatch(shipment.batch.records, now, shipment.state);
    const isAgain = shipment.isInDoubt;
    let parcel = parcels.find(
      other => other.node === node && other.isAgain === isAgain && other.bytes + bytes.length <= MOST_REQUEST_BYTES,
    );
    if (parcel === undefined) parcels.push((parcel = { node, isAgain, contents: [], bytes: 0 }));
    parcel.contents.push({ shipment, bytes });
    parcel.bytes += bytes.length;
  }
  return parcels;
}

/** As a request wants them. */
export function topicsOf(contents: Parcel['contents']): ProduceTopic[] {
  const topics = new Map<string, { name: string; partitions: { index: number; batch: Buffer }[] }>();
  for (const { shipment, bytes } of contents) {
    const { topic, partition } = shipment.batch;
    const found = topics.get(topic) ?? { name: topic, partitions: [] };
    topics.set(topic, found);
    found.partitions.push({ index: partition, batch: bytes });
  }
  return [...topics.values()];
}
