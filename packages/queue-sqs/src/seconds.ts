/** SQS counts whole seconds. What is delayed never comes early. */
export function delaySeconds(ms: number): number {
  return Math.ceil(ms / 1000);
}

const LONGEST_SECONDS = 12 * 60 * 60;

/**
 * How long a message is hidden for a lease of `ms`: up to a second longer, and always a little, because our own deadline
 * must be the first to pass.
 */
export function leaseSeconds(ms: number): number {
  return Math.min(LONGEST_SECONDS, Math.floor(ms / 1000) + 1);
}
