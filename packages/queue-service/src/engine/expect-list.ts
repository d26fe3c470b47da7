import { StoreError } from '@switchyard/queue-api';

/** A driver that answers with anything but a list harms this call only; nobody knows what it has done. */
export function expectList<T>(answer: readonly T[] | undefined): readonly T[] {
  if (Array.isArray(answer)) return answer as readonly T[];
  throw new StoreError('unknown-outcome', `The adapter answered with ${typeof answer} instead of a list`);
}
