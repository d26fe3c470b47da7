import type { StoreCapabilities } from '@switchyard/queue-api';

interface Row {
  readonly title: string;
  readonly cell: (capabilities: StoreCapabilities) => string;
}

const ROWS: readonly Row[] = [
  { title: 'Jobs survive a crash of every process (`durable`)', cell: ({ durable }) => yes(durable) },
  { title: 'Several processes work on one queue (`shared`)', cell: ({ shared }) => yes(shared) },
  { title: 'Priorities (`priority`)', cell: ({ priority }) => priority },
  { title: 'Order among equals (`order`)', cell: ({ order }) => (order === 'ready' ? 'first ready first' : 'none') },
  { title: 'Job counts (`counts`)', cell: ({ counts }) => counts },
  { title: 'Largest payload (`maxBodyBytes`)', cell: ({ maxBodyBytes }) => bytes(maxBodyBytes) },
  { title: 'Longest delay (`maxDelayMs`)', cell: ({ maxDelayMs }) => duration(maxDelayMs, '365 d') },
  { title: 'Delays exact to (`delayResolutionMs`)', cell: ({ delayResolutionMs }) => duration(delayResolutionMs, '') },
  { title: 'Leases exact to (`leaseResolutionMs`)', cell: ({ leaseResolutionMs }) => duration(leaseResolutionMs, '') },
  { title: 'Longest lease (`maxLeaseMs`)', cell: ({ maxLeaseMs }) => duration(maxLeaseMs, 'any') },
  { title: "A dead worker's lease covers (`leaseScope`)", cell: ({ leaseScope }) => `its ${leaseScope}s` },
  { title: 'Waiting jobs are deleted after (`maxAgeMs`)', cell: ({ maxAgeMs }) => duration(maxAgeMs, 'never') },
  { title: 'A crash counts as an attempt (`countsCrashes`)', cell: ({ countsCrashes }) => yes(countsCrashes) },
  { title: 'Handing back is free (`freeRelease`)', cell: ({ freeRelease }) => yes(freeRelease) },
  { title: 'Keeps the last error for the next attempt (`keepsNote`)', cell: ({ keepsNote }) => yes(keepsNote) },
  { title: 'An id that is there is not stored again (`knowsIds`)', cell: ({ knowsIds }) => yes(knowsIds) },
  { title: 'Jobs per call: add, pick up, settle (`maxBatch`)', cell: ({ maxBatch }) => triple(maxBatch) },
  { title: 'Calls in flight: add, pick up, settle (`parallel`)', cell: ({ parallel }) => triple(parallel) },
];

/**
 * The table of what stores can do, in Markdown: one column for each store, in the order given. The kit's capability
 * cases are what makes it true.
 */
export function capabilityTable(stores: Readonly<Record<string, StoreCapabilities>>): string {
  const columns = Object.values(stores);
  return [
    line(['', ...Object.keys(stores)]),
    line(['---', ...columns.map(() => '---')]),
    ...ROWS.map(({ title, cell }) => line([title, ...columns.map(cell)])),
    '',
  ].join('\n');
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function yes(value: boolean): string {
  return value ? 'yes' : 'no';
}

function triple({ enqueue, reserve, settle }: StoreCapabilities['maxBatch']): string {
  return [enqueue, reserve, settle].map(limit => (limit === Infinity ? 'any' : limit.toLocaleString('en'))).join(', ');
}

function bytes(count: number): string {
  return inUnits(count, [
    [1024 ** 3, 'GiB'],
    [1024 ** 2, 'MiB'],
    [1024, 'KiB'],
    [1, 'bytes'],
  ]);
}

function duration(ms: number | undefined, absent: string): string {
  if (ms === undefined) return absent;
  return inUnits(Math.max(ms, 1), [
    [86_400_000, 'd'],
    [3_600_000, 'h'],
    [60_000, 'min'],
    [1_000, 's'],
    [1, 'ms'],
  ]);
}

/** In the largest unit that it fills, exact or to one decimal. */
function inUnits(amount: number, units: readonly (readonly [size: number, name: string])[]): string {
  if (amount === Infinity) return 'any';
  const [size, name] = units.find(([candidate]) => amount >= candidate) ?? [1, ''];
  return `${Number((amount / size).toFixed(1)).toLocaleString('en')} ${name}`;
}
