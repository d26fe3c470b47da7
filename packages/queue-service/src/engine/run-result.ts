/** How a run ended, for the consumer to carry out. */
export type RunResult =
  | { readonly kind: 'completed' }
  | { readonly kind: 'failed'; readonly error: Error }
  /** All attempts used up; `handled`: the `dlqHandler` resolved. */
  | { readonly kind: 'dead'; readonly error: Error; readonly attempts: number; readonly handled: boolean }
  /**
   * Ended by us, not by its own failure: it goes back unharmed. With an `error` the attempt had failed before, and what
   * was interrupted is the `dlqHandler`.
   */
  | { readonly kind: 'interrupted'; readonly error?: Error };
