import { brokenAdapters } from './adapters.ts';
import type { BrokenStore } from './break-store.ts';
import { lyingStores } from './capabilities.ts';
import { storesThatCloseBadly } from './closing.ts';
import { storesThatChangeJobs } from './contents.ts';
import { storesThatMiscount } from './counts.ts';
import { storesThatExchangeBadly } from './exchange.ts';
import { unfencedStores } from './fencing.ts';
import { storesThatTripOverForeignMessages } from './foreign.ts';
import { storesThatMixQueuesUp } from './names.ts';
import { storesOutOfOrder } from './ordering.ts';
import { storesOutOfTime } from './timing.ts';
import { storesThatWaitBadly } from './waiting.ts';

/** Every deliberately broken store. */
export const shelf: readonly BrokenStore[] = [
  ...brokenAdapters,
  ...lyingStores,
  ...storesThatChangeJobs,
  ...storesOutOfTime,
  ...unfencedStores,
  ...storesOutOfOrder,
  ...storesThatMiscount,
  ...storesThatWaitBadly,
  ...storesThatExchangeBadly,
  ...storesThatCloseBadly,
  ...storesThatMixQueuesUp,
  ...storesThatTripOverForeignMessages,
];
