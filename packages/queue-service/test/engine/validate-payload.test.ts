import type { StandardSchemaV1 } from '@switchyard/queue-api';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { validatePayload } from '../../src/engine/validate-payload.ts';

function objectsTo(...issues: StandardSchemaV1.Issue[]): StandardSchemaV1 {
  return { '~standard': { version: 1, vendor: 'test', validate: () => ({ issues }) } };
}

describe('validatePayload', () => {
  it("returns the schema's output", async () => {
    const schema = z.object({ n: z.string().transform(Number) });
    expect(await validatePayload(schema, { n: '3' })).toEqual({ n: 3 });
  });

  it('waits for a schema that needs time', async () => {
    const schema = z.string().transform(async text => `${text}!`);
    expect(await validatePayload(schema, 'a')).toBe('a!');
  });

  it('says where and what the first objection is, and carries them all', async () => {
    const schema = z.object({ items: z.array(z.object({ price: z.number() })), to: z.string() });
    const refused = validatePayload(schema, { items: [{ price: 1 }, { price: 'x' }] });
    await expect(refused).rejects.toMatchObject({ code: 'invalid-payload', path: 'payload.items[1].price' });
    await expect(refused).rejects.toThrow(/^payload\.items\[1\]\.price does not match .* \(and 1 more\)$/);
    await expect(refused).rejects.toHaveProperty('issues.length', 2);
  });

  it('reads paths as objects too, and an objection to the whole', async () => {
    await expect(
      validatePayload(objectsTo({ message: 'no', path: [{ key: 'a' }, { key: 0 }] }), 1),
    ).rejects.toMatchObject({ path: 'payload.a[0]' });
    await expect(validatePayload(objectsTo({ message: 'no' }), 1)).rejects.toMatchObject({ path: 'payload' });
    await expect(validatePayload(objectsTo(), 1)).rejects.toThrow(/no reason given/);
  });

  it('passes on what a schema throws', async () => {
    const broken = new Error('the schema is broken');
    const schema: StandardSchemaV1 = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: () => {
          throw broken;
        },
      },
    };
    await expect(validatePayload(schema, 1)).rejects.toBe(broken);
  });
});
