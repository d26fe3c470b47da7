import type { QueueName } from '@switchyard/queue-api';
import { z } from 'zod';
import { configError } from './config-error.ts';
import { duration, lenientBoolean, lenientInteger } from './lenient.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
/** Shorter leases could not be renewed in time over a network. */
const SHORTEST_LEASE_MS = 100;

const queueList = z.array(z.string());

const processes = z.union(
  [lenientBoolean, z.strictObject({ include: queueList }), z.strictObject({ exclude: queueList })],
  { error: 'expected true, false, { include: [queues] } or { exclude: [queues] }' },
);

const schema = z.looseObject({
  defaultStore: z.string({ error: 'expected the name of a store' }).min(1).default('memory'),
  defaultConcurrency: lenientInteger(1).default(1),
  maxAttempts: lenientInteger(1).default(5),
  leaseDuration: duration(SHORTEST_LEASE_MS).default(30_000),
  addTimeout: duration(1).default(10_000),
  shutdownTimeout: duration(0).default(15_000),
  process: processes.default(true),
  unsupportedOptions: z.enum(['warn', 'error'], { error: "expected 'warn' or 'error'" }).default('warn'),
  adapters: z.array(z.string(), { error: 'expected a list of npm package names' }).default([]),
  deadLetters: z
    .strictObject({
      maxAge: duration(0).default(30 * DAY_MS),
      maxCount: lenientInteger(0).default(10_000),
    })
    .prefault({}),
});

/** `backend.queue`, checked and complete. Durations in ms. */
export interface QueueConfig {
  /** What stands before each key in an error: `backend.queue`, or nothing outside Backstage. */
  readonly prefix: string;
  readonly defaultStore: string;
  readonly defaultConcurrency: number;
  readonly maxAttempts: number;
  readonly leaseDuration: number;
  readonly addTimeout: number;
  readonly shutdownTimeout: number;
  readonly process: boolean | { include: string[] } | { exclude: string[] };
  readonly unsupportedOptions: 'warn' | 'error';
  /** npm names of adapters to load. */
  readonly adapters: readonly string[];
  readonly deadLetters: { readonly maxAge: number; readonly maxCount: number };
  /** The sections of the stores, unchecked: each belongs to its adapter. */
  readonly sections: Readonly<Record<string, unknown>>;
}

/** Reads what all stores have in common. Throws QueueConfigError with the key of everything that is wrong. */
export function parseQueueConfig(input: unknown, prefix: string): QueueConfig {
  const result = schema.safeParse(input ?? {});
  if (!result.success) throw configError(prefix, result.error.issues);
  const {
    defaultStore,
    defaultConcurrency,
    maxAttempts,
    leaseDuration,
    addTimeout,
    shutdownTimeout,
    process,
    unsupportedOptions,
    adapters,
    deadLetters,
    ...sections
  } = result.data;
  return {
    prefix,
    defaultStore,
    defaultConcurrency,
    maxAttempts,
    leaseDuration,
    addTimeout,
    shutdownTimeout,
    process,
    unsupportedOptions,
    adapters,
    deadLetters,
    sections,
  };
}

/** Whether this instance processes a queue. Entries name queues, or with their plugin `plugin/queue`. */
export function processesQueue({ process }: QueueConfig, { plugin, name }: QueueName): boolean {
  if (typeof process === 'boolean') return process;
  const listed = (queues: readonly string[]) => queues.includes(name) || queues.includes(`${plugin}/${name}`);
  return 'include' in process ? listed(process.include) : !listed(process.exclude);
}
