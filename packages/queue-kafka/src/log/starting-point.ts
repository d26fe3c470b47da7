import type { LogRange } from '../kafka/offsets.ts';
import type { CommittedOffset } from '../group/group-offsets.ts';
import { finishedAhead, Ledger } from './ledger.ts';

export interface LogFacts {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  readonly range: LogRange;
  readonly committed: CommittedOffset | undefined;
  /** Nothing from here on is what was read: the log was cut. */
  readonly cutAt: number | undefined;
}

export interface StartingPoint {
  /** From where a partition is read, and what of it is finished already. */
  readonly ledger: Ledger;
  /** The epoch of the leader that what comes before was written under, so that the broker says if its log was cut. -1: not known. */
  readonly lastEpoch: number;
}

/** `warn` is told of what should not be. */
export function startingPoint(facts: LogFacts, limit: number, warn: (message: string) => void): StartingPoint {
  const { topicId, committed, cutAt = Infinity } = facts;
  const { start, end } = facts.range;
  const from = (offset: number, finished: readonly number[] = [], lastEpoch = -1) => ({
    ledger: new Ledger(topicId, limit, offset, finished),
    lastEpoch,
  });
  const ahead = committed === undefined ? undefined : finishedAhead(committed, topicId);
  // Nothing was ever finished, or it was a topic that is gone.
  if (committed === undefined || ahead === undefined) return from(start);
  const { offset } = committed;
  const where = `Partition ${facts.partition} of ${facts.topic}`;
  if (offset > end) {
    warn(`${where} ends at ${end}, and ${offset} is committed: its log was cut. It is read from its start again`);
    return from(start);
  }
  if (offset > Math.max(start, cutAt)) {
    warn(`${where} was cut at ${cutAt}: what is there now is read`);
    return from(Math.max(start, cutAt));
  }
  if (offset < start) {
    warn(`${where} begins at ${start}, and jobs from ${offset} on were not finished: somebody has removed them`);
  }
  const first = Math.max(offset, start);
  return from(
    first,
    ahead.filter(finished => finished >= first && finished < Math.min(cutAt, end)),
    first === offset && facts.cutAt === undefined ? committed.epoch : -1,
  );
}
