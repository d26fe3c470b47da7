/** A queue library in the race: how to make a fresh queue of it, in whatever configuration it documents as its best. */
export interface Contestant {
  readonly name: string;
  open(shape: QueueShape): Promise<Subject>;
}

/** What a workload needs of the queue, where the store has such a thing. */
export interface QueueShape {
  /** How many partitions the topic has. */
  readonly partitions: number;
}

/** A queue under measurement. What a library cannot do is left out, and its cell in the table stays empty. */
export interface Subject {
  /** Resolves once the job is stored. */
  add(payload: unknown): Promise<unknown>;
  readonly addBulk?: (payloads: readonly unknown[]) => Promise<unknown>;
  readonly addDelayed?: (payload: unknown, delayMs: number) => Promise<unknown>;
  /** Starts running jobs; until then they wait. */
  process(handler: (payload: unknown) => Promise<void>, options: WorkerOptions): void;
  close(): Promise<void>;
}

export interface WorkerOptions {
  readonly concurrency: number;
  /** Jobs leased ahead, where the library has such a thing. */
  readonly prefetch?: number;
}
