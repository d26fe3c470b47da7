import { InvalidPayloadError, type StandardSchemaV1 } from '@switchyard/queue-api';

/** Runs a Standard Schema over a payload and returns its output, or throws what it objected to (rule 20). */
export async function validatePayload(schema: StandardSchemaV1, payload: unknown): Promise<unknown> {
  const result = await schema['~standard'].validate(payload);
  if (result.issues === undefined) return result.value;
  const [first] = result.issues;
  const path = `payload${(first?.path ?? []).map(segment).join('')}`;
  const others = result.issues.length > 1 ? ` (and ${result.issues.length - 1} more)` : '';
  const message = `${path} does not match the queue's schema: ${first?.message ?? 'no reason given'}${others}`;
  throw new InvalidPayloadError(path, message, { issues: result.issues });
}

function segment(part: PropertyKey | StandardSchemaV1.PathSegment): string {
  const key = typeof part === 'object' ? part.key : part;
  return typeof key === 'number' ? `[${key}]` : `.${String(key)}`;
}
