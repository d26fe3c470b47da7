import type { StoreCapabilities } from '@switchyard/queue-api';
import type { ConformanceHarness } from './harness.ts';
import { connect } from './store/connect.ts';
import { withDeadline } from './with-deadline.ts';

const known = new WeakMap<ConformanceHarness, Promise<StoreCapabilities>>();

/** What the connected store says it can do. Asked once per harness; a failure is not remembered. */
export function readCapabilities(harness: ConformanceHarness): Promise<StoreCapabilities> {
  const asked = known.get(harness);
  if (asked !== undefined) return asked;
  const answer = ask(harness);
  known.set(harness, answer);
  answer.catch(() => known.delete(harness));
  return answer;
}

async function ask(harness: ConformanceHarness): Promise<StoreCapabilities> {
  const { timeScale = 1 } = harness;
  const connectMs = 15_000 * timeScale;
  const closeMs = 5_000 * timeScale;
  const store = await withDeadline(
    connect(harness, () => {}),
    connectMs,
    () => new Error(`connect did not settle within ${connectMs} ms`),
  );
  const closed = store.close({ timeoutMs: closeMs });
  // A store that does not close is the business of the cases, each of which closes what it opened.
  await withDeadline(closed, closeMs, () => new Error('close did not settle')).catch(() => {});
  return store.capabilities;
}
