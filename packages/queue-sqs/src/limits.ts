/** What SQS cannot be asked to exceed. Tests make these smaller, so that what takes hours can be watched. */
export interface Limits {
  /** The longest that a message can be sent ahead of its time. Longer delays are hopped. */
  readonly delayMs: number;
  /** How long, from when it was received, a message can be kept from others. */
  readonly invisibleMs: number;
}

export const SQS_LIMITS: Limits = { delayMs: 15 * 60 * 1000, invisibleMs: 12 * 60 * 60 * 1000 };

/** Entries in one request of any kind. */
export const BATCH_ENTRIES = 10;
/** A message, and a batch of them; servers of before August 2025 take 262,144. */
export const MESSAGE_BYTES = 1024 * 1024;
/** Attributes of one message. */
export const MESSAGE_ATTRIBUTES = 10;
/** The longest that a request for messages waits for one. */
export const POLL_MS = 20_000;
/** The longest that a queue can be told to keep a message. */
export const RETENTION_MS = 14 * 24 * 60 * 60 * 1000;
