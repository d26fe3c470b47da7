/**
 * The engine's part of a job's headers. They travel with the job through retries, hops and dead letters, and may be
 * read by an older or a newer version of this code: unknown names are ignored, an unknown `v` is not touched.
 */
export type JobHeaders = Readonly<Record<string, string>>;

const NONE: JobHeaders = Object.freeze({});

export function jobHeaders(maxAttempts: number | undefined): JobHeaders {
  return maxAttempts === undefined ? NONE : { maxAttempts: String(maxAttempts) };
}

/** The version of the envelope; absent means 1. */
export function isReadableVersion(headers: JobHeaders): boolean {
  return headers['v'] === undefined || headers['v'] === '1';
}

/** The job's own `maxAttempts`, if it has a sound one. */
export function maxAttemptsOf(headers: JobHeaders): number | undefined {
  const value = Number(headers['maxAttempts']);
  return Number.isSafeInteger(value) && value >= 1 ? value : undefined;
}
