import { type AdapterContext, isQueueError, QueueConfigError } from '@switchyard/queue-api';
import { RETENTION_MS } from './limits.ts';
import type { QueuePlace, SqsApi } from './sqs-api.ts';

/** What a queue's own settings say. */
export interface QueueFacts {
  /** The largest message it takes, where it says so. */
  readonly maxBytes: number;
}

export interface CheckOptions {
  /** How often the jobs of this queue run before they are dead. */
  readonly maxAttempts: number;
  /** What a message may have by the configuration. */
  readonly maxMessageBytes: number;
  readonly report: AdapterContext['report'];
  /** The queue's name, as people know it. */
  readonly queue: string;
}

const TIMEOUT_MS = 4000;
const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * Reads the settings of a queue. Refuses a redrive policy that would take jobs away from us, warns of a retention that
 * deletes what waits. `undefined` where these credentials may not read them: who only adds jobs need not.
 */
export async function checkQueue(
  api: SqsApi,
  place: QueuePlace,
  { maxAttempts, maxMessageBytes, report, queue }: CheckOptions,
): Promise<QueueFacts | undefined> {
  const names = ['RedrivePolicy', 'MessageRetentionPeriod', 'MaximumMessageSize'] as const;
  let settings: Partial<Record<(typeof names)[number], string>>;
  try {
    settings = await api.attributes(place, names, TIMEOUT_MS);
  } catch (error) {
    if (isQueueError(error, 'denied')) return undefined;
    throw error;
  }
  const { RedrivePolicy = '', MessageRetentionPeriod, MaximumMessageSize } = settings;
  const maxReceiveCount = receivesBeforeRedrive(RedrivePolicy);
  if (maxReceiveCount !== undefined && maxReceiveCount <= maxAttempts) {
    const message = `The redrive policy of the queue ${place.name} takes jobs away after maxReceiveCount ${maxReceiveCount}, and they run up to ${maxAttempts} times (maxAttempts): no dlqHandler would see them. Remove the policy, or set its maxReceiveCount well above, for a job that is handed back at a shutdown was received as well`;
    throw new QueueConfigError(message, { queue });
  }
  if (isShort(MessageRetentionPeriod)) {
    const message = `The queue ${place.name} deletes jobs that wait for more than ${inDays(MessageRetentionPeriod)} days, delayed ones included. ${LONGER}`;
    report({ level: 'warning', code: 'short-retention', message, queue });
  }
  return { maxBytes: Math.min(maxMessageBytes, Number(MaximumMessageSize ?? maxMessageBytes)) };
}

/** Warns of what loses dead letters, or takes none that are as large as jobs may be. */
export async function checkDeadQueue(
  api: SqsApi,
  place: QueuePlace,
  { maxMessageBytes, report, queue }: Omit<CheckOptions, 'maxAttempts'>,
): Promise<void> {
  let settings: Partial<Record<'MessageRetentionPeriod' | 'MaximumMessageSize', string>>;
  try {
    settings = await api.attributes(place, ['MessageRetentionPeriod', 'MaximumMessageSize'], TIMEOUT_MS);
  } catch (error) {
    // Nothing that a worker needs.
    if (isQueueError(error, 'denied')) return;
    throw error;
  }
  const { MessageRetentionPeriod, MaximumMessageSize } = settings;
  if (isShort(MessageRetentionPeriod)) {
    const message = `The queue ${place.name} deletes dead letters after ${inDays(MessageRetentionPeriod)} days. ${LONGER}`;
    report({ level: 'warning', code: 'short-retention', message, queue });
  }
  if (MaximumMessageSize !== undefined && Number(MaximumMessageSize) < maxMessageBytes) {
    const message = `The queue ${place.name} takes messages of up to ${MaximumMessageSize} bytes, and jobs may have ${maxMessageBytes}: the largest could not be put with the dead letters and would come back again and again. Set its MaximumMessageSize to ${maxMessageBytes}`;
    report({ level: 'warning', code: 'dead-queue-size', message, queue });
  }
}

const LONGER = `Set its MessageRetentionPeriod to ${RETENTION_MS / 1000} seconds (14 days)`;

function isShort(seconds: string | undefined): seconds is string {
  return seconds !== undefined && Number(seconds) * 1000 < RETENTION_MS;
}

function inDays(seconds: string): string {
  return ((Number(seconds) * 1000) / DAY_MS).toFixed(2);
}

function receivesBeforeRedrive(policy: string): number | undefined {
  if (policy === '') return undefined;
  const { maxReceiveCount } = JSON.parse(policy) as { maxReceiveCount?: number | string };
  return maxReceiveCount === undefined ? undefined : Number(maxReceiveCount);
}
