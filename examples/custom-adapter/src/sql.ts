/**
 * `state` is ready, delayed, leased or dead. `readyAt` is the place in the order, which a lease leaves alone. `dueAt` is
 * when a delay or a lease ends, or when the job died. Times are milliseconds since the epoch.
 */
export const SCHEMA = `
  CREATE TABLE IF NOT EXISTS job (
    seq INTEGER PRIMARY KEY, queue TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, headers TEXT NOT NULL,
    priority INTEGER NOT NULL, enqueuedAt INTEGER NOT NULL, attempt INTEGER NOT NULL DEFAULT 0, note TEXT,
    state TEXT NOT NULL, readyAt INTEGER NOT NULL, dueAt INTEGER NOT NULL, token TEXT, UNIQUE (queue, id)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS job_ready ON job (queue, priority, readyAt, seq) WHERE state = 'ready';
  CREATE INDEX IF NOT EXISTS job_due ON job (queue, state, dueAt);`;

export const STATEMENTS = {
  insert: `INSERT INTO job (queue, id, body, headers, priority, enqueuedAt, state, readyAt, dueAt)
    VALUES (:queue, :id, :body, :headers, :priority, :now, :state, :at, :at) ON CONFLICT (queue, id) DO NOTHING`,
  // Clocks cut milliseconds off: a job that is due in this one may be early, so it waits for the next.
  promote: `UPDATE job SET state = 'ready', readyAt = dueAt
    WHERE queue = :queue AND state IN ('delayed', 'leased') AND dueAt < :now`,
  lease: `UPDATE job SET state = 'leased', dueAt = :until, token = :token, attempt = attempt + 1 WHERE seq IN
    (SELECT seq FROM job WHERE queue = :queue AND state = 'ready' ORDER BY priority, readyAt, seq LIMIT :max) RETURNING *`,
  // The token alone is the fence. Who comes late, but before anybody else has the job, saves a second run.
  ack: `DELETE FROM job WHERE seq = :seq AND token = :token`,
  change: `UPDATE job SET state = :state, dueAt = :at, readyAt = iif(:released, readyAt, :at), attempt = attempt - :released,
    note = coalesce(:note, note), token = NULL WHERE seq = :seq AND token = :token`,
  extend: `UPDATE job SET state = 'leased', dueAt = :until WHERE seq = :seq AND token = :token`,
  forget: `DELETE FROM job WHERE queue = :queue AND state = 'dead' AND (dueAt < :oldest OR seq IN
    (SELECT seq FROM job WHERE queue = :queue AND state = 'dead' ORDER BY dueAt DESC, seq DESC LIMIT -1 OFFSET :max))`,
  nextAt: `SELECT min(iif(EXISTS (SELECT 1 FROM job WHERE queue = :queue AND state = 'ready'), 0, 9e15),
    ifnull((SELECT min(dueAt) FROM job WHERE queue = :queue AND state = 'delayed'), 9e15),
    ifnull((SELECT min(dueAt) FROM job WHERE queue = :queue AND state = 'leased'), 9e15)) AS at`,
  counts: `SELECT count(*) FILTER (WHERE state = 'ready' OR state <> 'dead' AND dueAt < :now) AS waiting,
    count(*) FILTER (WHERE state = 'delayed' AND dueAt >= :now) AS delayed,
    count(*) FILTER (WHERE state = 'leased' AND dueAt >= :now) AS active,
    count(*) FILTER (WHERE state = 'dead') AS dead FROM job WHERE queue = :queue`,
};
