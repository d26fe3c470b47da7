import {
  type Delivery,
  type ExchangeRequest,
  type ExchangeResult,
  type JobCounts,
  type NewJob,
  type Outcome,
  QueueUnavailableError,
  type Receipt,
  type ReserveRequest,
  type Settlement,
  type StoreQueue,
} from '@switchyard/queue-api';
import { CAPABILITIES } from './capabilities.ts';
import type { ScriptClient } from './clients.ts';
import { envelopeTail, readEnvelope } from './envelope.ts';
import { inTime } from './in-time.ts';
import type { QueueKeys } from './keys.ts';
import { Sleepers } from './sleepers.ts';
import type { WakeUps } from './wake-ups.ts';

export interface RedisQueueOptions {
  readonly name: string;
  readonly keys: QueueKeys;
  readonly client: ScriptClient;
  readonly wakeUps: WakeUps;
  readonly deadLetters: { readonly maxAgeMs: number; readonly maxCount: number };
  /** A script could not tell waiting workers of a job. */
  readonly onUntold: () => void;
  readonly onClose: () => void;
}

/** One hand-out of one job: `token` is different for each. */
interface Lease {
  readonly id: string;
  readonly token: number;
}

/** What `exchange` answers, see there. */
type ExchangeReply = readonly [token: number, waitMs: number, told: number, refused: number, ...(string | number)[]];
const REPLY_HEAD = 4;

const OK: Outcome = Object.freeze({ ok: true });
const LEASE_LOST: Outcome = Object.freeze({ ok: false, code: 'lease-lost' });

/** Redis answers at once or not at all. */
const CALL_TIMEOUT_MS = 10_000;
/** A request that is under way when its signal aborts may take so long; what it brings later is given back. */
const ABORT_GRACE_MS = 80;
/** How often to look for jobs where nobody can tell that there is one. */
const LOOK_EVERY_MS = 1000;
/** Bytes of jobs that one call sends; a server that is busy with more keeps the others waiting. */
const MOST_BYTES = 8 * 1024 * 1024;

/** One opened queue: the scripts of `lua/` behind the adapter contract. */
export class RedisQueue implements StoreQueue {
  readonly #options: RedisQueueOptions;
  readonly #sleepers = new Sleepers();
  readonly #calls = new Set<Promise<unknown>>();
  #stopListening: (() => void) | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: RedisQueueOptions) {
    this.#options = options;
  }

  async enqueue(jobs: readonly NewJob[], { timeoutMs }: { readonly timeoutMs: number }): Promise<Outcome[]> {
    this.#checkOpen();
    const outcomes: Outcome[] = [];
    let args: (string | number)[] = [this.#options.keys.channel];
    let bytes = 0;
    const calls: Promise<void>[] = [];
    const ids = new Set<string>();
    for (const job of jobs) {
      const size = Buffer.byteLength(job.body);
      const tooLarge = size > CAPABILITIES.maxBodyBytes;
      outcomes.push(tooLarge ? refuseSize(size) : OK);
      if (tooLarge || ids.has(job.id)) continue;
      ids.add(job.id);
      if (bytes > 0 && bytes + size > MOST_BYTES) {
        calls.push(this.#store(args, timeoutMs));
        args = [this.#options.keys.channel];
        bytes = 0;
      }
      bytes += size;
      args.push(job.id, job.priority, job.delayMs, envelopeTail(job));
    }
    if (args.length > 1) calls.push(this.#store(args, timeoutMs));
    // Who waits in this very process asks right behind it, on the same connection, and so before it could be told.
    if (jobs.some(({ delayMs }) => delayMs === 0)) this.#sleepers.wake(0);
    // One connection keeps their order; a failure speaks for all, and those that were stored are known by their ids.
    await Promise.all(calls);
    return outcomes;
  }

  async reserve({ max, leaseMs, waitMs, signal }: ReserveRequest): Promise<readonly Delivery[]> {
    const { wakeUps, keys } = this.#options;
    const end = performance.now() + waitMs;
    if (waitMs > 0) this.#stopListening ??= wakeUps.listen(keys.channel, inMs => this.#sleepers.wake(inMs));
    for (;;) {
      this.#checkOpen();
      if (signal.aborted) return [];
      const { wakes } = this.#sleepers;
      const found = await this.#lease(max, leaseMs, signal);
      const left = end - performance.now();
      if (found.deliveries.length > 0 || left <= 0) return found.deliveries;
      // A lease that somebody takes from now on ends no sooner than after the length of a lease, if all are of the same.
      const ms = Math.min(left, leaseMs, found.waitMs, wakeUps.hears(keys.channel) ? Infinity : LOOK_EVERY_MS);
      await this.#sleepers.sleep(ms, wakes, signal);
      // Whoever asks next looks at once: a last look would be one too many.
      const isOver = performance.now() >= end && wakes === this.#sleepers.wakes;
      if (isOver || this.#closed !== undefined) return [];
    }
  }

  async settle(settlements: readonly Settlement[], options: { readonly timeoutMs: number }): Promise<Outcome[]> {
    const { outcomes } = await this.exchange(settlements, { max: 0, leaseMs: 0, ...options });
    return outcomes;
  }

  async exchange(
    settlements: readonly Settlement[],
    { max, leaseMs, timeoutMs }: ExchangeRequest,
  ): Promise<ExchangeResult & { outcomes: Outcome[] }> {
    this.#checkOpen();
    const { order, args } = settlementArgs(settlements);
    const call = this.#exchange(max, leaseMs, args);
    const reply = await inTime('exchange', timeoutMs, call, late => this.#giveBack(late));
    const outcomes: Outcome[] = settlements.map(() => OK);
    const refused = reply.slice(REPLY_HEAD, REPLY_HEAD + reply[3]) as number[];
    for (const position of refused) outcomes[order[position - 1] as number] = LEASE_LOST;
    return { outcomes, deliveries: deliveriesOf(reply) };
  }

  async extend(
    receipts: readonly Receipt[],
    leaseMs: number,
    { timeoutMs }: { readonly timeoutMs: number },
  ): Promise<Outcome[]> {
    this.#checkOpen();
    const args: (string | number)[] = [leaseMs];
    for (const receipt of receipts) args.push((receipt as Lease).id, (receipt as Lease).token);
    const refused = (await inTime('extend', timeoutMs, this.#run('extend', args))) as readonly number[];
    const outcomes: Outcome[] = receipts.map(() => OK);
    for (const position of refused) outcomes[position - 1] = LEASE_LOST;
    return outcomes;
  }

  async counts(): Promise<JobCounts> {
    this.#checkOpen();
    const reply = await inTime('counts', CALL_TIMEOUT_MS, this.#run('counts', []));
    const [waiting, delayed, active, dead] = reply as readonly [number, number, number, number];
    return { waiting, delayed, active, dead };
  }

  close({ timeoutMs }: { readonly timeoutMs: number }): Promise<void> {
    this.#closed ??= this.#end(timeoutMs);
    return this.#closed;
  }

  async #end(timeoutMs: number): Promise<void> {
    this.#stopListening?.();
    this.#sleepers.end();
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, timeoutMs);
    // What is under way may bring jobs, and giving them back is a call of its own.
    const settled = async () => {
      while (this.#calls.size > 0) await Promise.allSettled(this.#calls);
    };
    await Promise.race([settled(), late]);
    clearTimeout(timer);
    this.#options.onClose();
  }

  #checkOpen(): void {
    if (this.#closed === undefined) return;
    throw new QueueUnavailableError('not-stored', `Queue ${this.#options.name} of the Redis store is closed`);
  }

  async #store(args: readonly (string | number)[], timeoutMs: number): Promise<void> {
    const told = await inTime('enqueue', timeoutMs, this.#run('enqueue', args));
    if (told !== 1) this.#options.onUntold();
  }

  /** Looks once. Answers soon after `signal` aborts. */
  async #lease(max: number, leaseMs: number, signal: AbortSignal): Promise<{ deliveries: Delivery[]; waitMs: number }> {
    const call = this.#exchange(max, leaseMs, [0]);
    let given = false;
    const aborted = Promise.withResolvers<undefined>();
    const onAbort = () => setTimeout(aborted.resolve, ABORT_GRACE_MS, undefined);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      const reply = await Promise.race([inTime('reserve', CALL_TIMEOUT_MS, call), aborted.promise]);
      if (reply === undefined || this.#closed !== undefined) return { deliveries: [], waitMs: Infinity };
      given = true;
      return { deliveries: deliveriesOf(reply), waitMs: reply[1] < 0 ? Infinity : reply[1] };
    } finally {
      signal.removeEventListener('abort', onAbort);
      // Whenever it answers: nobody waits for it any more.
      if (!given) call.then(late => this.#giveBack(late)).catch(() => {});
    }
  }

  async #exchange(max: number, leaseMs: number, settlements: readonly (string | number)[]): Promise<ExchangeReply> {
    const { keys, deadLetters } = this.#options;
    const args = [keys.channel, max, leaseMs, deadLetters.maxAgeMs, deadLetters.maxCount, ...settlements];
    const reply = (await this.#run('exchange', args)) as ExchangeReply;
    if (reply[2] !== 1) this.#options.onUntold();
    return reply;
  }

  /** Its leases end by themselves if this fails too. */
  #giveBack(reply: ExchangeReply): void {
    const deliveries = deliveriesOf(reply);
    if (deliveries.length === 0) return;
    const { args } = settlementArgs(deliveries.map(({ receipt }) => ({ kind: 'release', receipt })));
    this.#exchange(0, 0, args).catch(() => {});
  }

  #run(script: 'enqueue' | 'exchange' | 'extend' | 'counts', args: readonly (string | number)[]): Promise<unknown> {
    const { client, keys } = this.#options;
    const call = client[script](...keys.keys, ...args);
    const forget = () => void this.#calls.delete(call);
    this.#calls.add(call);
    call.then(forget, forget);
    return call;
  }
}

/** Acknowledgements first, as the script wants them; `order` says which entry stands where. */
function settlementArgs(settlements: readonly Settlement[]): { order: number[]; args: (string | number)[] } {
  const order: number[] = [];
  const others: number[] = [];
  const args: (string | number)[] = [0];
  for (const [index, settlement] of settlements.entries()) {
    const { id, token } = settlement.receipt as Lease;
    if (settlement.kind === 'ack') {
      order.push(index);
      args.push(id, token);
    } else others.push(index);
  }
  args[0] = order.length;
  for (const index of others) {
    const settlement = settlements[index] as Exclude<Settlement, { kind: 'ack' }>;
    const { id, token } = settlement.receipt as Lease;
    const { kind, note } = settlement;
    const delayMs = kind === 'dead' ? 0 : (settlement.delayMs ?? 0);
    order.push(index);
    args.push(kind === 'release' && note !== undefined ? 'release+note' : kind, id, token, delayMs, note ?? '');
  }
  return { order, args };
}

function deliveriesOf(reply: ExchangeReply): Delivery[] {
  const deliveries: Delivery[] = [];
  let token = reply[0];
  for (let at = REPLY_HEAD + reply[3]; at < reply.length; at += 4) {
    const [id, attempts, envelope, note] = reply.slice(at, at + 4) as [string, number, string, string];
    deliveries.push(deliveryOf({ id, token: token++ }, attempts, envelope, note));
  }
  return deliveries;
}

function deliveryOf(receipt: Lease, attempt: number, stored: string, note: string): Delivery {
  const envelope = readEnvelope(stored);
  if (envelope === undefined) return { kind: 'unreadable', why: 'it has no envelope of this store', receipt };
  const job = { kind: 'job', id: receipt.id, attempt, receipt, ...envelope } as const;
  return note === '' ? job : { ...job, note };
}

function refuseSize(size: number): Outcome {
  const message = `The body has ${size} bytes; the Redis store takes up to ${CAPABILITIES.maxBodyBytes}`;
  return { ok: false, code: 'payload-too-large', message };
}
