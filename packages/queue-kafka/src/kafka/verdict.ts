import type { BrokerCode } from './errors.ts';

/** What an answer means for a batch that was sent. */
export type Verdict =
  /** It is stored. */
  | 'stored'
  /** Certainly it is not, and the next leader, or the same one in a moment, will do it. */
  | 'not-yet'
  /** Nobody knows, and the broker that has it will say so when it is sent again. */
  | 'in-doubt'
  /** The broker knows another last batch of ours than we do, or none. */
  | 'out-of-step'
  /** It is not stored, and would not be the next time. */
  | 'refused';

const NOT_YET = new Set(['LEADER_NOT_AVAILABLE', 'NOT_ENOUGH_REPLICAS', 'BROKER_NOT_AVAILABLE', 'CORRUPT_MESSAGE']);
/** Also said of a batch that was appended and waited for its replicas when the leader moved or the topic was deleted: others may have it. */
const IN_DOUBT = new Set([
  'NOT_LEADER_OR_FOLLOWER',
  'UNKNOWN_TOPIC_OR_PARTITION',
  'UNKNOWN_TOPIC_ID',
  'KAFKA_STORAGE_ERROR',
  'REQUEST_TIMED_OUT',
  'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
  'UNKNOWN_SERVER_ERROR',
]);
const OUT_OF_STEP = new Set([
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'DUPLICATE_SEQUENCE_NUMBER',
  'UNKNOWN_PRODUCER_ID',
  'INVALID_PRODUCER_EPOCH',
]);

/** `isInDoubt`: an attempt before this one may have stored it. */
export function verdictOf(code: BrokerCode, isInDoubt: boolean): Verdict {
  if (code === 'NONE') return 'stored';
  // The answer to what was stored before, and to nothing else.
  if (code === 'DUPLICATE_SEQUENCE_NUMBER' && isInDoubt) return 'stored';
  if (IN_DOUBT.has(code)) return 'in-doubt';
  if (OUT_OF_STEP.has(code)) return 'out-of-step';
  return NOT_YET.has(code) ? 'not-yet' : 'refused';
}
