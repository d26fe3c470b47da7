/**
 * Tells those who wait, in any process, that the queue has a job in so many milliseconds, if there is somebody.
 *
 * Whoever listens holds the queue's advisory lock, shared, from before they look for jobs. Who can have it exclusively, for
 * the moment until the transaction ends, knows that nobody listens; and whoever begins to listen meanwhile gets the lock
 * once the transaction has ended, and so sees its jobs. Nobody sleeps through a job, and nobody pays for a message that
 * none would hear.
 */
export function wake({ channel, lock, payload }: { channel: string; lock: string; payload: string }): string {
  return `CASE WHEN NOT pg_try_advisory_xact_lock(${lock}) THEN pg_notify(${channel}, ${payload}) END`;
}
