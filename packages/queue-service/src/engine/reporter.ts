import type { HealthError } from '@switchyard/queue-api';
import type { Clock } from './clock.ts';
import { isThenable } from './is-thenable.ts';
import { toError } from './to-error.ts';

/** What Switchyard logs to. Backstage's LoggerService and `console` fit. */
export interface Logger {
  debug(message: string, meta?: Record<string, string>): void;
  info(message: string, meta?: Record<string, string>): void;
  warn(message: string, meta?: Record<string, string>): void;
  error(message: string, meta?: Record<string, string>): void;
}

/** The same trouble is logged once in this time, with how often it was left out. */
const REPEAT_AFTER_MS = 60_000;
/** More kinds of trouble than this at once are forgotten, oldest first: memory stays bounded whatever codes arrive. */
const MOST_CODES = 500;

/**
 * The one way from trouble to the log (rule 25): bounded, and never throwing, because loggers can fail too (rule 28).
 */
export class Reporter {
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #seen = new Map<string, { loggedAt: number; leftOut: number }>();

  constructor(logger: Logger, clock: Clock) {
    this.#logger = logger;
    this.#clock = clock;
  }

  /** Says it at once. For what happens once. */
  log(level: keyof Logger, message: string, meta: Record<string, string> = {}): void {
    try {
      const returned: unknown = this.#logger[level](message, meta);
      if (isThenable(returned)) Promise.resolve(returned).catch(() => {});
    } catch {
      // Nothing can be said about a logger that fails, and no job may suffer from it.
    }
  }

  /** Says it unless the same `code` about the same queue was said a moment ago. For what happens over and over. */
  trouble(level: 'warn' | 'error', code: string, message: string, queue?: string, cause?: unknown): void {
    const key = `${code}\n${queue ?? ''}`;
    const now = this.#clock.now();
    const seen = this.#seen.get(key);
    if (seen !== undefined && now - seen.loggedAt < REPEAT_AFTER_MS) {
      seen.leftOut++;
      return;
    }
    this.#seen.delete(key);
    this.#seen.set(key, { loggedAt: now, leftOut: 0 });
    if (this.#seen.size > MOST_CODES) this.#seen.delete(this.#seen.keys().next().value as string);

    const repeated = seen !== undefined && seen.leftOut > 0 ? ` (and ${seen.leftOut} more times since)` : '';
    const because = cause === undefined ? '' : `: ${toError(cause).message}`;
    this.log(level, `${message}${because}${repeated}`, { code, ...(queue !== undefined && { queue }) });
  }
}

/** What health says of an error. */
export function healthError(error: { readonly code?: unknown; readonly message: string }, clock: Clock): HealthError {
  return { at: new Date(clock.now()), code: codeOf(error), message: error.message };
}

/** Text or a number, as databases have it. Reading what somebody else made can throw. */
function codeOf(error: { readonly code?: unknown }): string {
  try {
    const { code } = error;
    return typeof code === 'string' || typeof code === 'number' ? String(code) : 'unknown';
  } catch {
    return 'unknown';
  }
}
