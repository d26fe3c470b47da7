import type { Delivery, Settlement } from '@switchyard/queue-api';
import type { Row } from './database.ts';
import { readEnvelope, readNote, writeNote } from './envelope.ts';

/** One hand-out of one job: `token` is different for each. */
export interface Lease {
  readonly id: string;
  readonly token: number;
  /** Where its row is. A renewal moves it. */
  place: string;
}

/** A job may have been handed out again to the same process: its id is not enough to tell whose answer it is. */
export function leaseKey({ id, token }: Pick<Lease, 'id' | 'token'>): string {
  return `${id} ${token}`;
}

/** What `exchange` and `lease` answer, see there. */
export interface Reply {
  /** By `leaseKey`. */
  readonly settled: ReadonlySet<string>;
  /** Settlements of which nobody can say what became of them. */
  readonly unknown: ReadonlySet<string>;
  readonly deliveries: Delivery[];
  /** More may be ready behind jobs that are not. */
  readonly hasMoreBehind: boolean;
  /** If `lease` found none: in how many ms one is ready, by what was known. */
  readonly readyInMs: number;
  /** And in how many ms a lease ends. */
  readonly lapseInMs: number;
}

/** Acknowledgements as the statement takes them, and what goes back if there is any. */
export interface SettlementArrays {
  readonly done: [places: string[], keys: string[]];
  readonly back: [
    places: string[],
    ids: string[],
    tokens: number[],
    kinds: string[],
    delays: number[],
    notes: unknown[],
  ];
}

export function settlementArrays(settlements: readonly Settlement[]): SettlementArrays {
  const arrays: SettlementArrays = { done: [[], []], back: [[], [], [], [], [], []] };
  const [donePlaces, doneKeys] = arrays.done;
  const [places, ids, tokens, kinds, delays, notes] = arrays.back;
  for (const settlement of settlements) {
    const { id, token, place } = settlement.receipt as Lease;
    if (settlement.kind === 'ack') {
      donePlaces.push(place);
      doneKeys.push(leaseKey({ id, token }));
      continue;
    }
    places.push(place);
    ids.push(id);
    tokens.push(token);
    kinds.push(settlement.kind);
    delays.push(settlement.kind === 'dead' ? 0 : (settlement.delayMs ?? 0));
    notes.push(settlement.note === undefined ? null : writeNote(settlement.note));
  }
  return arrays;
}

type ReplyRow = readonly [
  what: string,
  id: string,
  place: string,
  token: number,
  attempt: number,
  priority: number,
  data: unknown,
  /** Of a job, from when it is ready, in µs; else in how many ms one is. */
  readyAt: number | null,
  /** Of a job, in ms; else in how many ms a lease ends. */
  enqueuedAt: number | null,
  output: unknown,
];

export function readReply(rows: Row[]): Reply {
  const settled = new Set<string>();
  const leased: ReplyRow[] = [];
  let hasMoreBehind = false;
  let readyInMs = Infinity;
  let lapseInMs = Infinity;
  for (const row of rows as unknown as ReplyRow[]) {
    const [what, id] = row;
    if (what === 'settled') settled.add(leaseKey({ id, token: row[3] }));
    else if (what === 'leased') leased.push(row);
    else if (what === 'behind') hasMoreBehind = true;
    else if (what === 'due') {
      readyInMs = row[7] ?? Infinity;
      lapseInMs = row[8] ?? Infinity;
    }
  }
  leased.sort((one, other) => other[5] - one[5] || (one[7] as number) - (other[7] as number));
  return { settled, unknown: new Set(), deliveries: leased.map(deliveryOf), hasMoreBehind, readyInMs, lapseInMs };
}

function deliveryOf([, id, place, token, attempt, priority, data, , enqueuedAt, output]: ReplyRow): Delivery {
  const receipt: Lease = { id, token, place };
  const envelope = readEnvelope(data);
  if (envelope === undefined || enqueuedAt === null) {
    return { kind: 'unreadable', why: 'it has no envelope of this store', receipt };
  }
  const note = readNote(output);
  const job = { kind: 'job', id, attempt, receipt, priority: -priority, enqueuedAt, ...envelope } as const;
  return note === undefined ? job : { ...job, note };
}
