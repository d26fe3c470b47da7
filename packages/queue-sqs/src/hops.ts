import { setTimeout as elapse } from 'node:timers/promises';
import { isQueueError } from '@switchyard/queue-api';
import type { Envelope } from './envelope.ts';
import { dueAtOf } from './due-time.ts';
import type { Lease } from './lease.ts';
import type { Limits } from './limits.ts';
import { jobMessage } from './message.ts';
import { delaySeconds } from './seconds.ts';
import { sendMessages } from './send-messages.ts';
import type { QueuePlace, SqsApi } from './sqs-api.ts';

/** A message that came before its job was due: this time, or the first time that somebody received it. */
export interface Hopper {
  readonly lease: Lease;
  readonly envelope: Envelope;
  /** When the job is due, by `performance.now()`, and never before. */
  readonly due: number;
}

export interface HopsOptions {
  readonly api: SqsApi;
  readonly limits: Limits;
  readonly maxBytes: () => number;
  readonly onTrouble: (cause: unknown, place: QueuePlace) => void;
}

const TIMEOUT_MS = 10_000;
const PAUSES_MS = [200, 400, 800, 1600];
/** So many batches at once, then nothing more is received: what hops would gather here otherwise, and be hidden from all. */
const MOST_UNDER_WAY = 10;
/** A job that is due and cannot be sent on is looked at again after so long. */
const LOOK_AGAIN_MS = 30_000;
/** Where deleting is denied nothing is copied for so long: each copy would stay, and make copies of its own. */
const NO_COPIES_MS = 60_000;

/**
 * Sends each message again with what is left of its delay, then deletes it: a job whose worker dies in between is there
 * twice, and never not at all. The copy has been received by nobody, so that a delay uses no attempt, however many hops it
 * takes and however many of them fail.
 *
 * The engine never hears of it. What does not succeed after some tries is hidden instead, until it is due; and where a
 * copy exists and its original cannot be deleted, the original for as long as SQS hides anything.
 */
export class Hops {
  readonly #options: HopsOptions;
  readonly #underWay = new Set<Promise<void>>();
  readonly #ending = new AbortController();
  #noCopiesUntil = 0;

  constructor(options: HopsOptions) {
    this.#options = options;
  }

  start(hoppers: readonly Hopper[], place: QueuePlace): void {
    const hop = this.#hop(hoppers, place);
    this.#underWay.add(hop);
    void hop.finally(() => this.#underWay.delete(hop));
  }

  /** Resolves once there is room for another batch, and after `ms` or when `signal` aborts at the latest. */
  async room(ms: number, signal: AbortSignal): Promise<void> {
    const end = performance.now() + ms;
    while (this.#underWay.size >= MOST_UNDER_WAY && !signal.aborted && performance.now() < end) {
      const waiting = new AbortController();
      const until = AbortSignal.any([signal, waiting.signal]);
      const late = elapse(end - performance.now(), undefined, { signal: until }).catch(() => {});
      await Promise.race([late, ...this.#underWay]);
      waiting.abort();
    }
  }

  /** Nothing is tried again; leases end by themselves. */
  end(): void {
    this.#ending.abort();
  }

  /** Resolves once nothing is under way. */
  async idle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  /** Never rejects. */
  async #hop(hoppers: readonly Hopper[], place: QueuePlace): Promise<void> {
    const { signal } = this.#ending;
    let left = hoppers;
    for (const pauseMs of [...PAUSES_MS, Infinity]) {
      try {
        await this.#hopOnce(left, place);
      } catch (cause) {
        this.#options.onTrouble(cause, place);
      }
      left = left.filter(({ lease }) => lease.isHeld);
      if (left.length === 0 || signal.aborted) return;
      const leaseEnds = Math.min(...left.map(({ lease }) => lease.until));
      // What is hidden must be hidden while it is ours.
      if (performance.now() + 2 * pauseMs >= leaseEnds) break;
      await elapse(pauseMs, undefined, { signal, ref: false }).catch(() => {});
      if (signal.aborted) return;
    }
    await this.#hide(left, place);
  }

  async #hopOnce(hoppers: readonly Hopper[], place: QueuePlace): Promise<void> {
    const { api, maxBytes, onTrouble } = this.#options;
    const toSend = hoppers.filter(({ lease }) => !lease.isCopied);
    if (toSend.length > 0 && performance.now() >= this.#noCopiesUntil) {
      const copies = toSend.map(hopper => this.#copyOf(hopper));
      const sent = await sendMessages(api, place, copies, { timeoutMs: TIMEOUT_MS, maxBytes: maxBytes() });
      for (const [index, { lease }] of toSend.entries()) {
        const outcome = sent[index];
        lease.isCopied = outcome?.ok === true;
        if (outcome?.ok === false) onTrouble(new Error(outcome.message ?? outcome.code), place);
      }
    }
    const toDelete = hoppers.filter(({ lease }) => lease.isCopied && lease.isHeld);
    if (toDelete.length === 0) return;
    const handles = toDelete.map(({ lease }) => lease.handle);
    try {
      const deleted = await api.delete(place, handles, TIMEOUT_MS);
      for (const [index, { lease }] of toDelete.entries()) {
        const outcome = deleted[index];
        if (outcome?.ok === true || outcome?.code === 'lease-lost') lease.end();
        else if (outcome?.code === 'denied') this.#noCopiesUntil = performance.now() + NO_COPIES_MS;
      }
    } catch (error) {
      if (isQueueError(error, 'denied')) this.#noCopiesUntil = performance.now() + NO_COPIES_MS;
      throw error;
    }
  }

  async #hide(hoppers: readonly Hopper[], place: QueuePlace): Promise<void> {
    const now = performance.now();
    const changes = hoppers.map(({ lease, due }) => {
      const longestMs = lease.longestUntil - now - 1000;
      const ms = lease.isCopied ? longestMs : Math.min(longestMs, Math.max(LOOK_AGAIN_MS, due - now));
      return { handle: lease.handle, seconds: Math.max(0, Math.floor(ms / 1000)) };
    });
    try {
      await this.#options.api.changeVisibility(place, changes, TIMEOUT_MS);
    } catch (cause) {
      this.#options.onTrouble(cause, place);
    }
    for (const { lease } of hoppers) lease.end();
  }

  #copyOf({ lease, envelope, due }: Hopper) {
    const { delayMs: _, dueAt = dueAtOf(lease.message.Attributes, envelope), ...rest } = envelope;
    const leftMs = Math.max(0, due - performance.now());
    const copy = { ...rest, addedAt: lease.addedAt, ...(dueAt !== undefined && { dueAt }) };
    return jobMessage(copy, delaySeconds(Math.min(leftMs, this.#options.limits.delayMs)));
  }
}
