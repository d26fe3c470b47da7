import type { AdapterReport, QueueAdapter, QueueName, QueueStore, StoreCapabilities } from '@switchyard/queue-api';
import type { ConformanceHarness } from '../harness.ts';
import type { Timings } from '../timings.ts';
import type { Trial } from '../trial.ts';
import { connect } from './connect.ts';
import { TrialQueue, type TrialSetting } from './trial-queue.ts';

/** What a store-level case works with. */
export interface StoreContext {
  readonly adapter: QueueAdapter;
  /** The case's own connection. */
  readonly store: QueueStore;
  readonly capabilities: StoreCapabilities;
  readonly timings: Timings;
  readonly harness: ConformanceHarness;
  /** Names a queue that nobody has used. */
  readonly queueName: () => QueueName;
  /** Opens a queue on the case's connection, or on another one; a fresh queue unless named. */
  readonly open: (name?: QueueName, store?: QueueStore) => Promise<TrialQueue>;
  /** One more connection; closed when the case ends. */
  readonly connect: () => Promise<QueueStore>;
  /** The same queue as another process sees it, where the store is shared; elsewhere the queue itself. */
  readonly elsewhere: (queue: TrialQueue) => Promise<TrialQueue>;
  /** Closes a connection within its deadline. */
  readonly closeStore: (store: QueueStore, timeoutMs?: number) => Promise<void>;
  /** A number of jobs for a load case, scaled by the harness. */
  readonly load: (jobs: number) => number;
  /** Awaits, or fails with a message that says what was awaited. */
  readonly within: <T>(what: string, ms: number, promise: Promise<T>) => Promise<T>;
  readonly eventually: (what: string, ms: number, check: () => Promise<void> | void) => Promise<void>;
}

/** Connects, and hands out what a case may use; all of it is closed with the trial. */
export async function createStoreContext(harness: ConformanceHarness, trial: Trial): Promise<StoreContext> {
  const { waits, timeScale } = trial;
  const connectOnce = async () => {
    const store = await waits.within(
      'connect',
      15_000 * timeScale,
      connect(harness, report => checkReport(report, trial)),
    );
    trial.atEnd(() => store.close({ timeoutMs: trial.timings(store.capabilities).callMs }));
    return store;
  };
  const store = await connectOnce();
  const { capabilities } = store;
  const timings = trial.timings(capabilities);
  const setting: TrialSetting = { capabilities, timings, waits, over: trial.over };

  const queueName = () => ({ plugin: 'conformance', name: trial.uniqueName() });
  const open = async (name: QueueName = queueName(), on: QueueStore = store) => {
    const raw = await waits.within(`open of queue '${name.name}'`, timings.callMs + timings.slackMs, on.open(name));
    await harness.warmUp?.(raw);
    return new TrialQueue(name, raw, setting);
  };
  return {
    adapter: harness.adapter,
    store,
    capabilities,
    timings,
    harness,
    queueName,
    open,
    connect: connectOnce,
    elsewhere: async queue => (capabilities.shared ? open(queue.name, await connectOnce()) : queue),
    closeStore: (closing, timeoutMs = timings.callMs) =>
      waits.within(
        `close of the connection within ${timeoutMs} ms`,
        timeoutMs + timings.slackMs,
        closing.close({ timeoutMs }),
      ),
    load: jobs => Math.max(50, Math.round(jobs * (harness.scale ?? 1))),
    within: (what, ms, promise) => waits.within(what, ms, promise),
    eventually: (what, ms, check) => waits.eventually(what, ms, check),
  };
}

function checkReport({ level, code, message }: AdapterReport, trial: Trial): void {
  const wellFormed = /^[a-z0-9]+(-[a-z0-9]+)*$/.test(code) && ['warning', 'error'].includes(level) && message !== '';
  if (!wellFormed)
    trial.object(`report needs a level, a constant kebab-case code and a message: ${level} '${code}' ${message}`);
}
