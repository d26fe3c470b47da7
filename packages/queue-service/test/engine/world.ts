import type { QueueEvents } from '@switchyard/queue-api';
import { onTestFinished } from 'vitest';
import type { Clock } from '../../src/engine/clock.ts';
import { QueueHandle, type QueueSettings } from '../../src/engine/queue-handle.ts';
import { type Logger, Reporter } from '../../src/engine/reporter.ts';
import { SuspectRoom } from '../../src/engine/suspect-room.ts';
import { StoreLink } from '../../src/engine/store-link.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { ScriptedStore, type ScriptedStoreOptions } from './scripted-store.ts';

/** Half way between the extremes: no jitter in a retry's delay, three quarters of a store's backoff. */
export const half = () => 0.5;

/** What was logged, as `level message`. */
export function recordingReporter(clock: Clock) {
  const lines: string[] = [];
  const at = (level: string) => (message: string) => void lines.push(`${level} ${message}`);
  const logger: Logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  return { lines, reporter: new Reporter(logger, clock) };
}

/** A scripted store, and a link to it. */
export function linkedStore(options: Omit<ScriptedStoreOptions, 'clock'> = {}) {
  const clock = new ManualClock();
  const store = new ScriptedStore({ clock, ...options });
  const { lines, reporter } = recordingReporter(clock);
  const errors: Error[] = [];
  const address = { plugin: 'p', name: 'q', connect: () => store.connecting.call() };
  const link = new StoreLink(address, clock, reporter, error => void errors.push(error));
  return { clock, store, link, lines, errors, reporter };
}

/** One event of a queue, as it was emitted. */
export type Seen = { [E in keyof QueueEvents]: { readonly event: E } & QueueEvents[E] }[keyof QueueEvents];

/** A queue on a scripted store, with everything it says recorded. */
export function scriptedQueue(
  settings: Partial<QueueSettings> = {},
  storeOptions: Omit<ScriptedStoreOptions, 'clock'> = {},
) {
  const clock = new ManualClock();
  const store = new ScriptedStore({ clock, ...storeOptions });
  const { lines, reporter } = recordingReporter(clock);
  const queue = new QueueHandle({
    address: { plugin: 'p', name: 'q', connect: () => store.connecting.call() },
    store: 'scripted',
    storeError: () => undefined,
    dlqHandler: undefined,
    schema: undefined,
    maxAttempts: 5,
    defaultConcurrency: 1,
    leaseMs: 30_000,
    addTimeoutMs: 10_000,
    shutdownTimeoutMs: 15_000,
    unsupportedOptions: 'warn',
    processes: true,
    clock,
    random: half,
    reporter,
    suspectRoom: new SuspectRoom(),
    ...settings,
  });
  const seen: Seen[] = [];
  for (const event of ['added', 'started', 'completed', 'retrying', 'dead', 'error'] as const) {
    queue.on(event, payload => void seen.push({ event, ...payload } as Seen));
  }
  const of = <E extends Seen['event']>(event: E) => seen.filter(one => one.event === event) as (Seen & { event: E })[];
  /** Lets everything happen that needs no time. */
  const settle = () => clock.advance(0);
  return { clock, store, queue, lines, seen, of, settle };
}

/** Follows a promise without waiting for it. */
export function watch<T>(promise: Promise<T>) {
  const watched: { done: boolean; value?: T; error?: unknown } = { done: false };
  promise.then(
    value => Object.assign(watched, { done: true, value }),
    (error: unknown) => Object.assign(watched, { done: true, error }),
  );
  return watched;
}

/** Lets time pass until the promise settles, and says how much it took. */
export async function timeTaken(clock: ManualClock, promise: Promise<unknown>, most = 600_000): Promise<number> {
  const start = clock.now();
  const watched = watch(promise);
  await clock.advance(0);
  while (!watched.done) {
    const next = clock.nextTimer(start + most);
    if (next === undefined) throw new Error(`it did not settle within ${most} ms`);
    await clock.advance(next - clock.now());
  }
  if (watched.error !== undefined) throw watched.error as Error;
  return clock.now() - start;
}

/** Fails the test if a promise is rejected and nobody cares. */
export function expectNoUnhandledRejections(): void {
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => void unhandled.push(reason);
  process.on('unhandledRejection', note);
  onTestFinished(async () => {
    await new Promise(resolve => void setImmediate(resolve));
    process.off('unhandledRejection', note);
    if (unhandled.length > 0) throw new Error('unhandled rejections', { cause: unhandled[0] });
  });
}

/** Handlers that wait until the test lets them go on. */
export function gates() {
  const open = new Map<string, PromiseWithResolvers<void>>();
  const running = new Set<string>();
  let most = 0;
  const started: string[] = [];
  return {
    started,
    running,
    get most() {
      return most;
    },
    handler: async ({ id }: { readonly id: string }) => {
      const gate = Promise.withResolvers<void>();
      open.set(id, gate);
      started.push(id);
      running.add(id);
      most = Math.max(most, running.size);
      try {
        await gate.promise;
      } finally {
        running.delete(id);
      }
    },
    finish: (...ids: readonly string[]) => {
      for (const id of ids) open.get(id)?.resolve();
    },
    fail: (id: string, error: unknown = new Error(`${id} failed`)) => open.get(id)?.reject(error),
  };
}
