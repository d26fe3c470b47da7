/** What {@link Queue.on} reports, by event name. All of it is about jobs that this process added or ran. */
export interface QueueEvents {
  /** The store has a job that this process added. */
  added: { readonly id: string };
  /** A handler is about to run. */
  started: { readonly id: string; readonly attempt: number };
  /** The handler resolved and the store knows it. */
  completed: { readonly id: string; readonly attempt: number; readonly durationMs: number };
  /** An attempt failed and the store will hand the job out again in about `delayMs`. */
  retrying: { readonly id: string; readonly attempt: number; readonly error: Error; readonly delayMs: number };
  /** All attempts are used up. `parked`: kept in the dead letters; otherwise the `dlqHandler` resolved. */
  dead: { readonly id: string; readonly attempt: number; readonly error: Error; readonly parked: boolean };
  /** Something went wrong that is not a job's own failure: the store, a lost lease, a handler that ignores its signal. */
  error: { readonly error: Error; readonly id?: string };
}
