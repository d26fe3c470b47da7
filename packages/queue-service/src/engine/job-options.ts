import {
  InvalidArgumentError,
  type JobOptions,
  type ProcessOptions,
  type StoreCapabilities,
  UnsupportedOptionError,
} from '@switchyard/queue-api';

export const DEFAULT_PRIORITY = 20;
const MAX_PRIORITY = 1_000_000;
const MAX_DELAY_MS = 365 * 24 * 60 * 60 * 1000;

/** Checks what `add` was given (rule 5). Unknown options are refused: ignoring one would break what its writer relies on. */
export function checkJobOptions(options: JobOptions): void {
  checkKeys('add', options, ['delay', 'priority', 'maxAttempts']);
  const { delay, priority, maxAttempts } = options;
  if (delay !== undefined && !(typeof delay === 'number' && delay >= 0 && delay <= MAX_DELAY_MS)) {
    throw refuse('delay', delay, `a number of milliseconds from 0 to ${MAX_DELAY_MS} (365 days)`);
  }
  if (priority !== undefined && !(Number.isInteger(priority) && Math.abs(priority) <= MAX_PRIORITY)) {
    throw refuse('priority', priority, `an integer from -${MAX_PRIORITY} to ${MAX_PRIORITY}, lower first`);
  }
  checkMaxAttempts(maxAttempts);
}

/** Checks what `process` was given. */
export function checkProcessOptions(options: ProcessOptions): void {
  checkKeys('process', options, ['concurrency', 'timeout', 'prefetch']);
  const { concurrency, timeout, prefetch } = options;
  if (concurrency !== undefined && !isCount(concurrency, 1)) throw refuse('concurrency', concurrency, 'an integer ≥ 1');
  if (prefetch !== undefined && !isCount(prefetch, 0)) throw refuse('prefetch', prefetch, 'an integer ≥ 0');
  if (timeout !== undefined && !(typeof timeout === 'number' && timeout > 0 && Number.isFinite(timeout))) {
    throw refuse('timeout', timeout, 'a number of milliseconds above 0; leave it out for no limit');
  }
}

export function checkMaxAttempts(maxAttempts: number | undefined): void {
  if (maxAttempts !== undefined && !isCount(maxAttempts, 1)) {
    throw refuse('maxAttempts', maxAttempts, 'an integer ≥ 1: how often the job runs in all');
  }
}

/** What the options ask of the store and it cannot do; `undefined` when all is well. */
export function unsupportedOption(
  options: JobOptions,
  store: string,
  capabilities: StoreCapabilities,
): UnsupportedOptionError | undefined {
  if (options.priority !== undefined && capabilities.priority === 'none') {
    const message = `The ${store} store does not order jobs by priority: leave \`priority\` out, or use another store`;
    return new UnsupportedOptionError('priority', message);
  }
  return undefined;
}

/** A delay the store cannot keep is always refused: ignoring it would start the job early. */
export function checkDelayFits(options: JobOptions, store: string, { maxDelayMs }: StoreCapabilities): void {
  if (options.delay !== undefined && maxDelayMs !== undefined && options.delay > maxDelayMs) {
    const message = `The ${store} store delays by at most ${maxDelayMs} ms, not by ${options.delay}`;
    throw new UnsupportedOptionError('delay', message);
  }
}

function isCount(value: unknown, least: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= least;
}

function checkKeys(call: string, options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) throw refuse('options', options, `an object, or nothing at all`);
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue;
    throw new InvalidArgumentError(key, `${call} has no option ${key}: it takes ${known.join(', ')}`);
  }
}

function refuse(field: string, value: unknown, expected: string): InvalidArgumentError {
  const shown = typeof value === 'number' ? String(value) : value === null ? 'null' : `a ${typeof value}`;
  return new InvalidArgumentError(field, `${field} is ${shown}, but must be ${expected}`);
}
