import {
  decodeConsumerProtocolAssignment,
  decodeConsumerProtocolSubscription,
  encodeConsumerProtocolAssignment,
  encodeConsumerProtocolSubscription,
} from '@platformatic/kafka';
import type { Claim, Owned, Share } from '../group/assignor.ts';
import type { TopicPartition } from './offsets.ts';

/** That of all consumers, so that Kafka's tools show who has what. */
export const PROTOCOL_TYPE = 'consumer';
/** How we share out. A broker lets no member in that does not know it. */
export const PROTOCOL_NAME = 'switchyard-sticky';

/** Without partitions and generations in places of their own, which came later: those are in our part, the user data. */
const VERSION = 0;
const CLAIM_VERSION = 1;
const NOTHING: Claim = { generation: -1, owned: [], isHungry: true, isStandingBy: false };

/** What a member says when it joins. */
export function encodeMember(topics: readonly string[], claim: Claim): Buffer {
  return encodeConsumerProtocolSubscription({ version: VERSION, topics: [...topics], userData: encodeOwned(claim) });
}

/** Never throws: who says what we do not understand has nothing, and is no reason for the others to get nothing. */
export function decodeMember(metadata: Buffer): Claim {
  try {
    return decodeOwned(decodeConsumerProtocolSubscription(metadata).userData);
  } catch {
    return NOTHING;
  }
}

/** What everybody may know of the members. */
export interface Others {
  /** One waits for jobs. */
  readonly isAnyHungry: boolean;
  /** One does not stand by. */
  readonly isAnyThere: boolean;
}

export function encodeAssignment(share: readonly Share[], others: Others): Buffer {
  return encodeConsumerProtocolAssignment({
    version: VERSION,
    assignedPartitions: share.map(({ topic, partitions }) => ({ topic, partitions: [...partitions] })),
    userData: JSON.stringify({ v: CLAIM_VERSION, ...others }),
  });
}

export function decodeAssignment(share: Buffer): TopicPartition[] {
  return decodeConsumerProtocolAssignment(share).assignedPartitions.flatMap(({ topic, partitions }) =>
    partitions.map(partition => ({ topic, partition })),
  );
}

/** Never throws: what is not understood says that there is nobody. */
export function decodeOthers(share: Buffer): Others {
  try {
    const { userData } = decodeConsumerProtocolAssignment(share);
    const { isAnyHungry, isAnyThere } = JSON.parse(String(userData)) as Record<string, unknown>;
    return { isAnyHungry: isAnyHungry === true, isAnyThere: isAnyThere === true };
  } catch {
    return { isAnyHungry: false, isAnyThere: false };
  }
}

export function encodeOwned({ generation, owned, isHungry, isStandingBy }: Claim): Buffer {
  return Buffer.from(JSON.stringify({ v: CLAIM_VERSION, generation, owned, isHungry, isStandingBy }));
}

/** Never throws: what is strange in any place counts for nothing at all. */
export function decodeOwned(bytes: Buffer): Claim {
  try {
    const { v, generation, owned, isHungry, isStandingBy } = JSON.parse(bytes.toString()) as Record<string, unknown>;
    if (
      v !== CLAIM_VERSION ||
      !(isCount(generation) || generation === -1) ||
      !Array.isArray(owned) ||
      !owned.every(isOwned)
    )
      return NOTHING;
    return { generation, owned, isHungry: isHungry !== false, isStandingBy: isStandingBy === true };
  } catch {
    return NOTHING;
  }
}

function isOwned(entry: unknown): entry is Owned {
  const { topic, partitions, busy, pinned } = Object(entry) as Record<string, unknown>;
  return typeof topic === 'string' && isCounts(partitions) && isCounts(busy) && isCounts(pinned);
}

function isCounts(values: unknown): values is number[] {
  return Array.isArray(values) && values.every(isCount);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
