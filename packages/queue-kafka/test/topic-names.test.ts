import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { topicNames } from '../src/topic-names.ts';

const LONG = 'n'.repeat(64);
const QUEUES: readonly (readonly [prefix: string, plugin: string, name: string])[] = [
  ['switchyard', 'a-b', 'c'],
  ['switchyard', 'a', 'b-c'],
  ['switchyard', '', 'x'],
  ['switchyard', '', 'X'],
  ['switchyard', '', 'x-dead'],
  ['switchyard', '', 'x.dead'],
  ['switchyard', '', 'x_dead'],
  ['switchyard', '', 'x__dead'],
  ['switchyard', '', 'x.delay'],
  ['switchyard', 'x', 'dead'],
  ['switchyard', 'x', 'delay'],
  ['switchyard', 'x', '_64ead'],
  ['switchyard', 'x', '__64ead'],
  ['switchyard', 'x', 'Dead'],
  ['switchyard', 'dead', 'dead'],
  ['switchyard', '', 'dead'],
  ['switchyard', '', 'delay'],
  ['switchyard', 'x.dead', 'delay'],
  ['switchyard', '', 'a.b'],
  ['switchyard', '', 'a_b'],
  ['switchyard', '', 'a__b'],
  ['switchyard', '', 'a-b'],
  ['switchyard', '', 'a__2Eb'],
  ['switchyard', 'a', 'b'],
  ['switchyard', 'a_', 'b'],
  ['switchyard', 'a.', 'b'],
  ['switchyard', 'a', '_b'],
  ['switchyard', 'a', '.b'],
  ['switchyard', 'ä', 'b'],
  ['switchyard', 'a/b', 'c'],
  ['switchyard-a', '', 'b'],
  ['switchyard', LONG, '_'.repeat(64)],
  ['switchyard', LONG, `${'_'.repeat(63)}.`],
  ['switchyard', '.'.repeat(64), LONG],
  ['p'.repeat(40), '_'.repeat(64), '_'.repeat(64)],
  // Around the length at which names are shortened.
  ...[1, 2, 3, 4, 5, 6, 7].map(length => ['switchyard', '_'.repeat(42), '-'.repeat(length + 57)] as const),
];

/** Topics of different names may still be one to Kafka. */
function asKafkaCompares(names: readonly string[]): string[] {
  return names.map(name => name.replaceAll('.', '_'));
}

it('gives each topic of each queue a name of its own, which Kafka takes', () => {
  const names = QUEUES.flatMap(([prefix, plugin, name]) => Object.values(topicNames(prefix, { plugin, name })));
  expect(new Set(asKafkaCompares(names)).size).toBe(3 * QUEUES.length);
  for (const name of names) expect(name).toMatch(/^[A-Za-z0-9._-]{1,249}$/);
});

it('keeps names that people can read', () => {
  expect(topicNames('switchyard', { plugin: 'catalog', name: 'send-mails' })).toEqual({
    main: 'switchyard.catalog.send-mails',
    delay: 'switchyard.catalog.send-mails.delay',
    dead: 'switchyard.catalog.send-mails.dead',
  });
  expect(topicNames('my-team', { plugin: '', name: 'mails.v2' }).main).toBe('my-team.mails__2Ev2');
  expect(topicNames('switchyard', { plugin: 'ä', name: 'delay' }).main).toBe('switchyard.__C3__A4.__64elay');
});

it('shortens only what leaves no room for the longest of the three, and not within a byte', () => {
  const underscores = (count: number) => '__5F'.repeat(count);
  const named = (plugin: number, name: string) => topicNames('switchyard', { plugin: '_'.repeat(plugin), name });
  expect(named(42, '-'.repeat(63)).delay).toBe(`switchyard.${underscores(42)}.${'-'.repeat(63)}.delay`);
  expect(named(42, '-'.repeat(63)).delay).toHaveLength(249);
  expect(named(42, '-'.repeat(64)).delay).toMatch(/^switchyard\.(__5F){42}\.-{28}__h[0-9a-f]{32}\.delay$/);
  for (const cut of [0, 1, 2, 3]) {
    const { main } = topicNames('p'.repeat(10 + cut), { plugin: '', name: '_'.repeat(64) });
    expect(main).toMatch(/^p+\.(__5F){48,49}__h[0-9a-f]{32}$/);
  }
});

it('gives names of their own to topics that were made to collide', () => {
  // Of little else than what our names are put together from, so that a fault of one kind is there many times.
  const pieces = ['a', '-', '_', '.', 'h', '2E', '64', 'delay', 'dead', 'elay'];
  const part = fc.array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 3 }).map(chosen => chosen.join(''));
  const topic = fc.record({
    prefix: fc.constantFrom('a', 'a-', 'delay'),
    plugin: fc.option(part, { nil: '' }),
    name: part,
    kind: fc.constantFrom('main' as const, 'delay' as const, 'dead' as const),
  });
  // Every one of them is compared with every other.
  const topics = fc.uniqueArray(topic, {
    selector: ({ prefix, plugin, name, kind }) => [prefix, plugin, name, kind].join('/'),
    minLength: 500,
    maxLength: 500,
  });
  fc.assert(
    fc.property(topics, all => {
      const names = all.map(({ prefix, plugin, name, kind }) => topicNames(prefix, { plugin, name })[kind]);
      return new Set(asKafkaCompares(names)).size === all.length;
    }),
    { numRuns: 100 },
  );
});
