import { setTimeout as elapse } from 'node:timers/promises';

/** Awaits `promise`, or fails after `ms` with what `complaint` says then. */
export async function withDeadline<T>(promise: Promise<T>, ms: number, complaint: () => Error): Promise<T> {
  const timer = new AbortController();
  const overdue = async () => {
    await elapse(ms, undefined, { signal: timer.signal });
    throw complaint();
  };
  const late = overdue();
  late.catch(() => {});
  try {
    return await Promise.race([promise, late]);
  } finally {
    timer.abort();
  }
}
