import { ConfigReader, readDurationFromConfig } from '@backstage/config';
import { durationToMilliseconds, type HumanDuration } from '@backstage/types';
import { z } from 'zod';

/**
 * Values as Backstage's config reader takes them: `${ENV}` yields strings, so numbers and booleans may come as text.
 */

/** A number, or text that is one. */
export function lenientInteger(least: number): z.ZodType<number> {
  return z.preprocess(
    value => (typeof value === 'string' && /^\s*-?\d+\s*$/.test(value) ? Number(value) : value),
    z.int({ error: 'expected a whole number' }).min(least, { error: `expected a whole number ≥ ${least}` }),
  );
}

const YES = /^(?:y|yes|true|1|on)$/i;
const NO = /^(?:n|no|false|0|off)$/i;

/** A boolean, or text that Backstage reads as one. */
export const lenientBoolean: z.ZodType<boolean> = z.preprocess(
  value => (typeof value !== 'string' ? value : YES.test(value) ? true : NO.test(value) ? false : value),
  z.boolean({ error: 'expected true or false' }),
);

const DURATION = "expected milliseconds or a duration such as '30s', 'PT30S' or { seconds: 30 }";

/** What may be written for a duration: milliseconds, `'30s'`, `'PT30S'`, or `{ seconds: 30 }`. */
export type DurationInput = number | string | HumanDuration;

/** A duration in any of Backstage's notations, or plain milliseconds; yields milliseconds. */
export function duration(leastMs: number): z.ZodType<number> {
  return z.unknown().transform((value, context) => {
    const ms = readDuration(value);
    if (ms !== undefined && ms >= leastMs) return Math.ceil(ms);
    const message = ms === undefined ? DURATION : `expected at least ${leastMs} ms`;
    context.addIssue({ code: 'custom', message, input: value });
    return z.NEVER;
  });
}

function readDuration(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value === 'string' && /^\s*\d+(\.\d+)?\s*$/.test(value)) return Number(value);
  if (typeof value !== 'string' && (typeof value !== 'object' || value === null)) return undefined;
  try {
    const config = new ConfigReader({ duration: value as string });
    const ms = durationToMilliseconds(readDurationFromConfig(config, { key: 'duration' }));
    return Number.isFinite(ms) ? ms : undefined;
  } catch {
    return undefined;
  }
}
