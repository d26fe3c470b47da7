import { conformanceCases } from '@switchyard/queue-conformance';
import { expect, test } from 'vitest';
import { brokenEngines } from './broken/engines.ts';
import { shelf } from './broken/shelf.ts';

const proven = new Set([...shelf, ...brokenEngines].flatMap(({ caughtBy }) => caughtBy));

test('every case rejects at least one broken store or engine', () => {
  expect(conformanceCases.map(({ id }) => id).filter(id => !proven.has(id))).toEqual([]);
});

test('the shelf names cases that exist', () => {
  const known = new Set(conformanceCases.map(({ id }) => id));
  expect([...proven].filter(id => !known.has(id))).toEqual([]);
});
