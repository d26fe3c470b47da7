import type { ConformanceCase } from '../conformance-case.ts';
import { adapterCases } from './store/adapter.ts';
import { addingCases } from './store/adding.ts';
import { bodyCases } from './store/bodies.ts';
import { capabilityCases } from './store/capabilities.ts';
import { closingCases } from './store/closing.ts';
import { contentionCases } from './store/contention.ts';
import { countCases } from './store/counts.ts';
import { deadLetterCases } from './store/dead-letters.ts';
import { deadlineCases } from './store/deadlines.ts';
import { delayCases } from './store/delays.ts';
import { exchangeCases } from './store/exchange.ts';
import { fencingCases } from './store/fencing.ts';
import { headerCases } from './store/headers.ts';
import { leaseCases } from './store/leases.ts';
import { nameCases } from './store/names.ts';
import { noteCases } from './store/notes.ts';
import { orderingModelCases } from './store/ordering-model.ts';
import { orderingCases } from './store/ordering.ts';
import { releaseCases } from './store/releases.ts';
import { retryCases } from './store/retries.ts';
import { sameIdCases } from './store/same-id.ts';
import { settlingCases } from './store/settling.ts';
import { standbyCases } from './store/standby.ts';
import { unreadableCases } from './store/unreadable.ts';
import { waitingCases } from './store/waiting.ts';
import { concurrencyCases } from './queue/concurrency.ts';
import { countingCases } from './queue/counting.ts';
import { queueDeadLetterCases } from './queue/dead-letters.ts';
import { disconnectingCases } from './queue/disconnecting.ts';
import { eventCases } from './queue/events.ts';
import { failingCases } from './queue/failing.ts';
import { foreignMessageCases } from './queue/foreign-messages.ts';
import { gettingCases } from './queue/getting.ts';
import { healthCases } from './queue/health.ts';
import { longJobCases } from './queue/long-jobs.ts';
import { pausingCases } from './queue/pausing.ts';
import { payloadCases } from './queue/payloads.ts';
import { processingCases } from './queue/processing.ts';
import { refusalCases } from './queue/refusals.ts';
import { schemaCases } from './queue/schema.ts';
import { sharingCases } from './queue/sharing.ts';
import { timeoutCases } from './queue/timeouts.ts';

/** Every case of the kit: first those that call the adapter, then those that go through the engine. */
export const conformanceCases: readonly ConformanceCase[] = [
  ...adapterCases,
  ...addingCases,
  ...bodyCases,
  ...capabilityCases,
  ...closingCases,
  ...contentionCases,
  ...countCases,
  ...deadLetterCases,
  ...deadlineCases,
  ...delayCases,
  ...exchangeCases,
  ...fencingCases,
  ...headerCases,
  ...leaseCases,
  ...nameCases,
  ...noteCases,
  ...orderingModelCases,
  ...orderingCases,
  ...releaseCases,
  ...retryCases,
  ...sameIdCases,
  ...settlingCases,
  ...standbyCases,
  ...unreadableCases,
  ...waitingCases,
  ...concurrencyCases,
  ...countingCases,
  ...queueDeadLetterCases,
  ...disconnectingCases,
  ...eventCases,
  ...failingCases,
  ...foreignMessageCases,
  ...gettingCases,
  ...healthCases,
  ...longJobCases,
  ...pausingCases,
  ...payloadCases,
  ...processingCases,
  ...refusalCases,
  ...schemaCases,
  ...sharingCases,
  ...timeoutCases,
];
