import { expect, it } from 'vitest';
import { headerName } from '../src/kafka/header-names.ts';

const read = (name: string) => {
  const bytes = Buffer.from(`..${name}..`);
  return headerName(bytes, 2, bytes.length - 4);
};

it('knows names again and never takes one for another', () => {
  const long = 'switchyard-näme-'.repeat(20);
  const names = Array.from({ length: 300 }, (_, index) => long.slice(0, 300 - index));
  // Many of them share a place with one that they begin with.
  for (const all of [names, names, names.toReversed()]) for (const name of all) expect(read(name)).toBe(name);
  expect(read('')).toBe('');
});
