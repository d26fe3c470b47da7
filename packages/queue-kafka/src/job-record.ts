import type { NewJob } from '@switchyard/queue-api';
import type { FetchedRecord } from './kafka/record-batch-reader.ts';
import type { RecordToWrite } from './kafka/record-batch-writer.ts';

/** What a record says of its job, beside the body. */
export interface JobFields {
  readonly id: string;
  readonly priority: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Hand-outs that ended in a failure. */
  readonly attempts: number;
  /** By the broker's clock; absent in the record that was added first, whose own time it is. */
  readonly enqueuedAt?: number;
  /** What the engine wrote when the last attempt ended. */
  readonly note?: string;
  /** Of a delayed job: how long it waits from when the broker appended this record. */
  readonly waitMs?: number;
  /** Of a delayed job that has hopped: when it is due, by the broker's clock. */
  readonly dueAt?: number;
}

export interface ReadJob extends JobFields {
  readonly body: string;
}

const FORMAT = 'switchyard';
const VERSION = '1';
const MARK: readonly [string, string] = [FORMAT, VERSION];
const NAMES = {
  headers: 'switchyard-headers',
  priority: 'switchyard-priority',
  attempts: 'switchyard-attempts',
  enqueuedAt: 'switchyard-enqueued-at',
  dueAt: 'switchyard-due-at',
  wait: 'switchyard-wait',
  note: 'switchyard-note',
  deadAt: 'switchyard-dead-at',
} as const;
/** Of a record that only asks the broker what time it is. */
const TICK = 'switchyard-tick';

const USUAL_PRIORITY = 20;
const NONE: JobFields['headers'] = Object.freeze({});
const LATEST_TIME = 8.64e15;

type Header = readonly [name: string, value: string];

/** A job that is added. */
export function newRecord({ id, body, headers, priority, delayMs }: NewJob): RecordToWrite {
  return write(body, { id, priority, headers, attempts: 0, ...(delayMs > 0 && { waitMs: delayMs }) });
}

/** The record that takes the place of one. */
export function movedRecord(job: ReadJob): RecordToWrite {
  return write(job.body, job);
}

function write(body: string, job: JobFields): RecordToWrite {
  return { key: job.id, value: body, headers: headersOf(job) };
}

/** What is as it mostly is, is left out: most jobs have just the mark. */
function headersOf({ priority, headers, attempts, enqueuedAt, note, waitMs, dueAt }: JobFields): Header[] {
  const written: Header[] = [MARK];
  if (headers !== NONE && Object.keys(headers).length > 0) written.push([NAMES.headers, JSON.stringify(headers)]);
  if (priority !== USUAL_PRIORITY) written.push([NAMES.priority, String(priority)]);
  if (attempts > 0) written.push([NAMES.attempts, String(attempts)]);
  if (enqueuedAt !== undefined) written.push([NAMES.enqueuedAt, String(enqueuedAt)]);
  if (waitMs !== undefined) written.push([NAMES.wait, String(Math.ceil(waitMs))]);
  if (dueAt !== undefined) written.push([NAMES.dueAt, String(Math.ceil(dueAt))]);
  if (note !== undefined) written.push([NAMES.note, note]);
  return written;
}

export function tickRecord(): RecordToWrite {
  return { key: null, value: null, headers: [[TICK, '']] };
}

export function isTick({ key, value, headers }: FetchedRecord): boolean {
  return key === null && value === null && headers.length === 1 && headers[0]?.[0] === TICK;
}

export interface Ending {
  readonly note: string;
  readonly attempts: number;
  readonly enqueuedAt: number;
}

/** The dead letter of a job. */
export function deadJobRecord(job: ReadJob, ending: Ending): RecordToWrite {
  const { waitMs: _wait, dueAt: _due, note: _note, ...kept } = job;
  const { attempts, enqueuedAt, note } = ending;
  const record = write(job.body, { ...kept, attempts, enqueuedAt, note });
  return { ...record, headers: [...record.headers, [NAMES.deadAt, String(Date.now())]] };
}

/** The dead letter of something that is no job: key, value and headers byte for byte, and ours behind them. */
export function deadForeignRecord(record: FetchedRecord, { note, attempts, enqueuedAt }: Ending): RecordToWrite {
  const { key, value, headers } = sameRecord(record);
  const ours: Header[] = [
    [NAMES.attempts, String(attempts)],
    [NAMES.enqueuedAt, String(enqueuedAt)],
    [NAMES.note, note],
    [NAMES.deadAt, String(Date.now())],
  ];
  return { key, value, headers: [...headers, ...ours] };
}

/** The same record once more, in another topic. */
export function sameRecord({ key, value, headers }: FetchedRecord): RecordToWrite {
  return { key, value, headers };
}

/** What is in a record, or why it is not one of ours. */
export function readJob(record: FetchedRecord): ReadJob | string {
  const { key, value, headers } = record;
  if (headers.length === 1 && isMark(headers[0]) && key !== null && value !== null && key.length > 0) {
    return { id: key.toString(), priority: USUAL_PRIORITY, headers: NONE, attempts: 0, body: value.toString() };
  }
  const found = new Map(headers.map(([name, header]) => [name, header?.toString() ?? '']));
  const version = found.get(FORMAT);
  if (version === undefined) return 'it has no header "switchyard"';
  if (version !== VERSION) return `its header "switchyard" says version ${JSON.stringify(version)}, this is ${VERSION}`;
  if (key === null || key.length === 0) return 'it has no key, which should be the id of the job';
  if (value === null) return 'it has no value, which should be the body of the job';
  const jobHeaders = readHeaders(found.get(NAMES.headers));
  const priority = wholeNumber(found.get(NAMES.priority), USUAL_PRIORITY, -LATEST_TIME);
  const attempts = wholeNumber(found.get(NAMES.attempts), 0);
  const enqueuedAt = wholeNumber(found.get(NAMES.enqueuedAt));
  const waitMs = wholeNumber(found.get(NAMES.wait));
  const dueAt = wholeNumber(found.get(NAMES.dueAt));
  if (jobHeaders === undefined) return `its header "${NAMES.headers}" is not an object of strings`;
  const numbers = { [NAMES.priority]: priority, [NAMES.attempts]: attempts, [NAMES.enqueuedAt]: enqueuedAt };
  const times = { [NAMES.wait]: waitMs, [NAMES.dueAt]: dueAt };
  for (const [name, number] of Object.entries({ ...numbers, ...times })) {
    if (Number.isNaN(number)) return `its header "${name}" is not a whole number`;
  }
  const note = found.get(NAMES.note);
  return {
    id: key.toString(),
    body: value.toString(),
    headers: jobHeaders,
    priority: priority ?? USUAL_PRIORITY,
    // A dead letter that was put back begins anew.
    attempts: found.has(NAMES.deadAt) ? 0 : (attempts ?? 0),
    ...(enqueuedAt !== undefined && { enqueuedAt }),
    ...(waitMs !== undefined && { waitMs }),
    ...(dueAt !== undefined && { dueAt }),
    ...(note !== undefined && { note }),
  };
}

function isMark(header: FetchedRecord['headers'][number] | undefined): boolean {
  return header !== undefined && header[0] === FORMAT && header[1]?.length === 1 && header[1][0] === 0x31;
}

function readHeaders(text: string | undefined): JobFields['headers'] | undefined {
  if (text === undefined) return NONE;
  try {
    const headers = JSON.parse(text) as unknown;
    const isSound =
      typeof headers === 'object' &&
      headers !== null &&
      !Array.isArray(headers) &&
      Object.values(headers).every(value => typeof value === 'string');
    return isSound ? (headers as JobFields['headers']) : undefined;
  } catch {
    return undefined;
  }
}

/** NaN where there is something else. */
function wholeNumber(text: string | undefined, otherwise?: number, least = 0): number | undefined {
  if (text === undefined) return otherwise;
  const number = /^-?\d+$/.test(text) ? Number(text) : NaN;
  return number >= least && number <= LATEST_TIME ? number : NaN;
}
