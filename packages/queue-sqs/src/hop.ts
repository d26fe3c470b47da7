import { setTimeout as elapse } from 'node:timers/promises';
import type { Envelope } from './envelope.ts';
import { dueAtOf } from './due-time.ts';
import type { Lease } from './lease.ts';
import type { Limits } from './limits.ts';
import { jobMessage } from './message.ts';
import { delaySeconds } from './seconds.ts';
import { sendMessages } from './send-messages.ts';
import type { QueuePlace, SqsApi } from './sqs-api.ts';

/** A message that came before its job is due. */
export interface Hopper {
  readonly lease: Lease;
  readonly envelope: Envelope;
  /** When the job is due, by `performance.now()`, and never before. */
  readonly due: number;
}

export interface HopOptions {
  readonly api: SqsApi;
  readonly place: QueuePlace;
  readonly limits: Limits;
  readonly maxBytes: number;
  /** Nobody waits for it any more. */
  readonly isEnded: () => boolean;
  readonly onTrouble: (cause: unknown) => void;
}

const TIMEOUT_MS = 10_000;
const FIRST_PAUSE_MS = 200;

/**
 * Sends each message again with what is left of its delay, then deletes it: a job whose worker dies in between is there
 * twice, and never not at all. Tried again until it is done or the lease ends, because the engine never hears of it; then
 * the message comes back, to whoever receives it, and hops there.
 */
export async function hop(hoppers: readonly Hopper[], options: HopOptions): Promise<void> {
  let left = hoppers;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs *= 2) {
    try {
      await hopOnce(left, options);
    } catch (cause) {
      options.onTrouble(cause);
    }
    left = left.filter(({ lease }) => lease.isHeld && lease.until > performance.now() + pauseMs);
    if (left.length === 0 || options.isEnded()) return;
    await elapse(pauseMs);
  }
}

async function hopOnce(
  hoppers: readonly Hopper[],
  { api, place, limits, maxBytes, onTrouble }: HopOptions,
): Promise<void> {
  const toSend = hoppers.filter(({ lease }) => !lease.isCopied);
  if (toSend.length > 0) {
    const copies = toSend.map(hopper => copyOf(hopper, limits));
    const sent = await sendMessages(api, place, copies, { timeoutMs: TIMEOUT_MS, maxBytes });
    for (const [index, { lease }] of toSend.entries()) {
      const outcome = sent[index];
      lease.isCopied = outcome?.ok === true;
      if (outcome?.ok === false) onTrouble(new Error(outcome.message ?? outcome.code));
    }
  }
  const toDelete = hoppers.filter(({ lease }) => lease.isCopied && lease.isHeld);
  if (toDelete.length === 0) return;
  const handles = toDelete.map(({ lease }) => lease.handle);
  const deleted = await api.delete(place, handles, TIMEOUT_MS);
  for (const [index, { lease }] of toDelete.entries()) {
    const outcome = deleted[index];
    if (outcome?.ok === true || outcome?.code === 'lease-lost') lease.end();
  }
}

function copyOf({ lease, envelope, due }: Hopper, limits: Limits) {
  const { delayMs: _, dueAt = dueAtOf(lease.message.Attributes, envelope), ...rest } = envelope;
  const leftMs = Math.max(0, due - performance.now());
  const copy = { ...rest, addedAt: lease.addedAt, ...(dueAt !== undefined && { dueAt }) };
  return jobMessage(copy, delaySeconds(Math.min(leftMs, limits.delayMs)));
}
