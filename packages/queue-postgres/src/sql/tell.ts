/**
 * Tells those who wait, in any process, that the queue $1 has a job at the time `at`, if there is somebody.
 *
 * Whoever listens holds the queue's advisory lock, shared, from before they look for jobs. Who can have it exclusively, for
 * the moment until the transaction ends, knows that nobody listens; and whoever begins to listen meanwhile gets the lock
 * once the transaction has ended, and so sees its jobs. Nobody sleeps through a job, and nobody pays for a message that
 * none would hear.
 */
export function tell(lock: string, channel: string): string {
  const inMs = 'greatest(0, ceil(extract(epoch FROM at - now()) * 1000))::bigint';
  return `CASE WHEN NOT pg_try_advisory_xact_lock(${lock}::bigint) THEN pg_notify(${channel}::text, ${inMs} || ' ' || $1::text) END`;
}
