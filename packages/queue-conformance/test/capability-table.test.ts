import { capabilityTable } from '@switchyard/queue-conformance';
import type { StoreCapabilities } from '@switchyard/queue-api';
import { expect, test } from 'vitest';

const capable: StoreCapabilities = {
  maxBatch: { enqueue: 1000, reserve: Infinity, settle: 10 },
  parallel: { enqueue: 1, reserve: 4, settle: 1 },
  maxBodyBytes: 16 * 1024 * 1024,
  delayResolutionMs: 0,
  leaseResolutionMs: 1,
  priority: 'strict',
  order: 'ready',
  counts: 'exact',
  durable: true,
  shared: false,
  countsCrashes: true,
  freeRelease: true,
  keepsNote: true,
  knowsIds: true,
  leaseScope: 'job',
};
const modest: StoreCapabilities = {
  ...capable,
  maxBodyBytes: 1_000_000,
  maxDelayMs: 900_000,
  maxAgeMs: 14 * 24 * 60 * 60 * 1000,
  maxLeaseMs: 12 * 60 * 60 * 1000,
  leaseResolutionMs: 1_500,
  priority: 'none',
  order: 'none',
  leaseScope: 'partition',
};

test('the table has a column for each store and says every capability in words that people use', () => {
  expect(capabilityTable({ capable, modest })).toBe(`|  | capable | modest |
| --- | --- | --- |
| Jobs survive a crash of every process (\`durable\`) | yes | yes |
| Several processes work on one queue (\`shared\`) | no | no |
| Priorities (\`priority\`) | strict | none |
| Order among equals (\`order\`) | first ready first | none |
| Job counts (\`counts\`) | exact | exact |
| Largest payload (\`maxBodyBytes\`) | 16 MiB | 976.6 KiB |
| Longest delay (\`maxDelayMs\`) | 365 d | 15 min |
| Delays exact to (\`delayResolutionMs\`) | 1 ms | 1 ms |
| Leases exact to (\`leaseResolutionMs\`) | 1 ms | 1.5 s |
| Longest lease (\`maxLeaseMs\`) | any | 12 h |
| A dead worker's lease covers (\`leaseScope\`) | its jobs | its partitions |
| Waiting jobs are deleted after (\`maxAgeMs\`) | never | 14 d |
| A crash counts as an attempt (\`countsCrashes\`) | yes | yes |
| Handing back is free (\`freeRelease\`) | yes | yes |
| Keeps the last error for the next attempt (\`keepsNote\`) | yes | yes |
| An id that is there is not stored again (\`knowsIds\`) | yes | yes |
| Jobs per call: add, pick up, settle (\`maxBatch\`) | 1,000, any, 10 | 1,000, any, 10 |
| Calls in flight: add, pick up, settle (\`parallel\`) | 1, 4, 1 | 1, 4, 1 |
`);
});
