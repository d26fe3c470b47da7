/**
 * How a job lies in the job table of pg-boss, and what our statements rely on.
 *
 *   name, id           primary key. What pg-boss calls the queue; the id the engine gave the job
 *   data               what was added: `{ "headers": …, "body": "…" }`. Anything else is not ours, and unreadable
 *   state              `created` and `retry` wait, `active` is leased, `failed` is a dead letter. What is done is deleted
 *   priority           higher first, as pg-boss has it: ours with the sign turned
 *   created_on         from when it is ready, to the microsecond: what the order of the rules goes by. Not when it was
 *                      added, for it moves with every delay and retry, and so that the order is that of pg-boss's index
 *   start_after        while it waits the same, while it is leased the end of the lease
 *   source_created_on  when it was added
 *   retry_count        hand-outs so far, and so the token of the lease: it is never the same twice
 *   retry_limit        `NO_LIMIT` plus the hand-outs that do not count as attempts
 *   output             `{ "note": "…" }`: the engine's, of the latest attempt
 *   blocked            false: true are jobs of others' flows, which are left alone
 *   completed_on, deletion_seconds   of a dead letter; pg-boss deletes it when it is old enough
 *   keep_until         for ever: pg-boss deletes waiting jobs by it
 *   expire_seconds     for ever: pg-boss takes leased jobs back by it
 *
 * Two of the indexes of pg-boss decide how fast this is. (name, priority desc, created_on, …) where waiting and not blocked
 * holds the order of the rules; (name, state, blocked, start_after) where not completed finds the leases that have ended,
 * what is due next, and the counts.
 */
export interface JobTable {
  readonly schema: string;
  /** `job_common`, or a queue's own where somebody has made it one. */
  readonly name: string;
}

/** As it is written in SQL. */
export function quoted({ schema, name }: JobTable): string {
  return `"${schema}"."${name}"`;
}

/** The name of a statement about it: PostgreSQL reads 63 characters of it. */
export function statementName(what: string, { name }: JobTable): string {
  return `${what} ${name}`.slice(0, 63);
}

/**
 * What makes a job that of who holds its lease. Rows are reached by their place (`ctid`), which is in the receipt: then no
 * estimate can lead the planner astray, as no index fits. So the state is compared as a text, and the queue not at all.
 */
export const HELD = `job.id = held.id AND job.retry_count = held.token AND job.state::text = 'active'`;

/** Attempts are counted by the engine: pg-boss never finds that there were too many. */
export const NO_LIMIT = 1_000_000;
/** 68 years: longer than any lease, in seconds. */
export const NEVER_EXPIRES = 2_147_483_647;

/** Every column that a statement of ours reads or writes, with its type. */
export const COLUMNS: Readonly<Record<string, string>> = {
  id: 'uuid',
  name: 'text',
  priority: 'integer',
  data: 'jsonb',
  state: 'job_state',
  retry_limit: 'integer',
  retry_count: 'integer',
  expire_seconds: 'integer',
  deletion_seconds: 'integer',
  policy: 'text',
  start_after: 'timestamp with time zone',
  created_on: 'timestamp with time zone',
  started_on: 'timestamp with time zone',
  completed_on: 'timestamp with time zone',
  keep_until: 'timestamp with time zone',
  output: 'jsonb',
  blocked: 'boolean',
  source_created_on: 'timestamp with time zone',
};

/** What the definition of an index on the table must have, by what it is for. */
export const INDEXES: Readonly<Record<string, RegExp>> = {
  'the order of waiting jobs': /\(name, priority DESC, created_on[,)].*WHERE.*state <.*active.*NOT blocked/,
  'leases and delays': /\(name, state, blocked, start_after\)/,
};

export const PRIMARY_KEY = /UNIQUE.*\(name, id\)/;
