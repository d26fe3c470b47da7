import { expect, it } from 'vitest';
import { FIRST_PARTY_PACKAGES } from '../../packages/queue-service/src/stores/first-party.ts';
import { document, exists } from './documents.ts';
import { tableRows } from './tables.ts';

it.each([
  ['README.md', 'Stores'],
  ['docs/choosing-a-store.md', 'What there is'],
])('%s lists every store, and calls available what exists', (path, heading) => {
  const listed = tableRows(document(path), heading).map(([store, name, status]) => ({ store, name, status }));
  const expected = Object.entries(FIRST_PARTY_PACKAGES).map(([store, name]) => {
    const folder = name.replace('@switchyard/', 'packages/');
    return { store, name, status: exists(`${folder}/src/index.ts`) ? 'available' : 'planned' };
  });
  expect(listed).toEqual(expected);
});
