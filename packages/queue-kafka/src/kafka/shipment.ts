import { NotSentError } from './errors.ts';
import type { ProducerState, RecordToWrite } from './record-batch-writer.ts';

/** Records for one partition: stored all together or not at all. */
export interface Batch {
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly RecordToWrite[];
  /** Whether they could go elsewhere right now: then they are given back with an `UnwellError` while their partition is not well. */
  readonly canMove?: () => boolean;
  /**
   * Asked before each attempt. `later`: it is not certain that they may be stored, so they are given back, or wait if they may be there
   * already. `never`: somebody else does it.
   */
  readonly mayGo?: () => 'now' | 'later' | 'never';
}

/** What became of a batch: `undefined` for stored, with `acks=all`. */
export type BatchError = Error | undefined;

/** Nothing was stored, and another partition would do it. */
export class UnwellError extends NotSentError {}

/** A batch on its way. */
export interface Shipment {
  readonly batch: Batch;
  readonly place: string;
  /** Whoever gave it to us learns what became of it, once. */
  readonly tell: (error: BatchError) => void;
  isTold: boolean;
  /** What the broker would recognise it by; from its first attempt on, and the same in each. */
  state: ProducerState | undefined;
  /** An attempt is being made. */
  isUnderWay: boolean;
  /** It is in a request that was not answered yet. */
  isSent: boolean;
  /** It was sent, and nobody knows what became of it. */
  isInDoubt: boolean;
  /** It is known what became of it, or never will be. */
  isOver: boolean;
  /** Since when there is no such partition. */
  goneSince: number | undefined;
  tries: number;
  /** When the next attempt may be made. */
  notBefore: number;
  error: BatchError;
}

export function newShipment(batch: Batch, tell: Shipment['tell']): Shipment {
  return {
    batch,
    place: placeOf(batch.topic, batch.partition),
    tell,
    isTold: false,
    state: undefined,
    isUnderWay: false,
    isSent: false,
    isInDoubt: false,
    isOver: false,
    goneSince: undefined,
    tries: 0,
    notBefore: 0,
    error: undefined,
  };
}

export function placeOf(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}
