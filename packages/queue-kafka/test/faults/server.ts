import type { ServerUnderTest } from '@switchyard/fault-kit';
import { ownServer } from '@switchyard/test-servers';
import { optionsFor } from './place.ts';

export const kafkaUnderTest: ServerUnderTest = {
  server: 'kafka',
  launch: () => ownServer('kafka'),
  options: url => optionsFor(url),
  requests: { add: 'Produce', reserve: 'Fetch', settle: 'OffsetCommit' },
  knowsIds: false,
};
