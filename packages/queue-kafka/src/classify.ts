import { isQueueError, type QueueErrorCode } from '@switchyard/queue-api';
import { BrokerError, isAuthenticationError, NoAnswerError, NotSentError } from './kafka/errors.ts';

/** By what the broker calls it. */
const CODES: readonly (readonly [RegExp, QueueErrorCode])[] = [
  [/AUTHORIZATION_FAILED$|^SASL_AUTHENTICATION_FAILED$|^UNSUPPORTED_SASL_MECHANISM$|^ILLEGAL_SASL_STATE$/, 'denied'],
  [/^(MESSAGE_TOO_LARGE|RECORD_LIST_TOO_LARGE)$/, 'payload-too-large'],
  [/^THROTTLING_QUOTA_EXCEEDED$/, 'throttled'],
  [/^(UNKNOWN_MEMBER_ID|ILLEGAL_GENERATION|FENCED_INSTANCE_ID|REBALANCE_IN_PROGRESS)$/, 'lease-lost'],
  [/^(REQUEST_TIMED_OUT|NOT_ENOUGH_REPLICAS_AFTER_APPEND|UNKNOWN_SERVER_ERROR|NETWORK_EXCEPTION)$/, 'unknown-outcome'],
  [/^(LEADER_NOT_AVAILABLE|NOT_LEADER_OR_FOLLOWER|REPLICA_NOT_AVAILABLE|BROKER_NOT_AVAILABLE)$/, 'unavailable'],
  [/^(FENCED_LEADER_EPOCH|UNKNOWN_LEADER_EPOCH|NOT_ENOUGH_REPLICAS|KAFKA_STORAGE_ERROR)$/, 'unavailable'],
  [/^(COORDINATOR_LOAD_IN_PROGRESS|COORDINATOR_NOT_AVAILABLE|NOT_COORDINATOR|NOT_CONTROLLER)$/, 'unavailable'],
  // One that is missing is made, or somebody is asked to.
  [/^(UNKNOWN_TOPIC_OR_PARTITION|UNKNOWN_TOPIC_ID|INCONSISTENT_TOPIC_ID)$/, 'unavailable'],
  [/^(OFFSET_NOT_AVAILABLE|UNSTABLE_OFFSET_COMMIT|LISTENER_NOT_FOUND|CORRUPT_MESSAGE)$/, 'unavailable'],
];

/** What an error of this driver means (see `QueueStore.classify`). */
export function classify(error: unknown): QueueErrorCode {
  if (isQueueError(error)) return error.code;
  if (isAuthenticationError(error)) return 'denied';
  if (error instanceof NotSentError) return 'unavailable';
  if (error instanceof NoAnswerError) return 'unknown-outcome';
  if (!(error instanceof BrokerError)) return ofSocket(error);
  return CODES.find(([pattern]) => pattern.test(error.code))?.[1] ?? 'rejected';
}

/** Errors of Node.js reach us only inside of ours; whoever asks about one by itself gets an answer. */
function ofSocket(error: unknown): QueueErrorCode {
  const { code } = Object(error) as { code?: unknown };
  if (/^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH)$/.test(String(code))) return 'unavailable';
  return /^E[A-Z]+$/.test(String(code)) ? 'unknown-outcome' : 'rejected';
}
