const MIDDLE_MS = 60_000;
const LONGER_MS = [6000, 10_000, 30_000, 60_000];
const SHORTER_MS = [1_800_000, 300_000, 60_000];

/**
 * What to try where a broker refuses a session time-out: it takes none below its `group.min.session.timeout.ms` and none above its
 * `group.max.session.timeout.ms`. `undefined`: nothing is left.
 */
export function otherSessionTimeout(wantedMs: number, refusedMs: number): number | undefined {
  return wantedMs < MIDDLE_MS ? LONGER_MS.find(ms => ms > refusedMs) : SHORTER_MS.find(ms => ms < refusedMs);
}
