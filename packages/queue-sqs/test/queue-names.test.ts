import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { deadNameBeside, physicalNames } from '../src/queue-names.ts';

const LONG = 'n'.repeat(64);
const QUEUES: readonly (readonly [prefix: string, plugin: string, name: string])[] = [
  ['switchyard', 'a-b', 'c'],
  ['switchyard', 'a', 'b-c'],
  ['switchyard', '', 'x'],
  ['switchyard', '', 'X'],
  ['switchyard', '', 'x-dead'],
  ['switchyard', '', 'x_2Ddead'],
  ['switchyard', '', 'x.dead'],
  ['switchyard', '', 'x_dead'],
  ['switchyard', '', 'x-dead-dead'],
  ['switchyard', 'x', 'dead'],
  ['switchyard', '', 'x__dead'],
  ['switchyard', 'x', '-dead'],
  ['switchyard', 'x-', 'dead'],
  ['switchyard', '', 'a.b'],
  ['switchyard', '', 'a_b'],
  ['switchyard', '', 'a-b'],
  ['switchyard', '', 'a_2Eb'],
  ['switchyard', 'a', 'b'],
  ['switchyard', 'a_', 'b'],
  ['switchyard', 'a', '_b'],
  ['switchyard', 'ä', 'b'],
  ['switchyard', 'a/b', 'c'],
  ['switchyard', '', 'x.fifo'],
  ['switchyard-a', '', 'b'],
  ['switchyard', LONG, `${LONG.slice(1)}a`],
  ['switchyard', LONG, `${LONG.slice(1)}b`],
  ['switchyard', LONG, `${LONG.slice(1)}.`],
  ['switchyard', `${LONG}-dead`, LONG],
  ['p'.repeat(40), '', LONG],
  // Around the lengths at which one of the two names is shortened and the other is not.
  ...[62, 63, 64].flatMap(length => [['sixteen-letters', '', 'n'.repeat(length)] as const]),
  ...['', 'a', 'ab', 'abc'].map(end => ['switchyard', `plugin-${'p'.repeat(50)}`, `x${end}`] as const),
];

it('gives each queue and its dead letters names of their own, which SQS takes', () => {
  const names = QUEUES.flatMap(([prefix, plugin, name]) => Object.values(physicalNames(prefix, { plugin, name })));
  expect(new Set(names).size).toBe(2 * QUEUES.length);
  for (const name of names) expect(name).toMatch(/^[A-Za-z0-9_-]{1,80}$/);
});

it('keeps names that people can read', () => {
  expect(physicalNames('switchyard', { plugin: 'catalog', name: 'send-mails' })).toEqual({
    main: 'switchyard__catalog__send-mails',
    dead: 'switchyard__catalog__send-mails-dead',
  });
  expect(physicalNames('my_team', { plugin: '', name: 'mails.v2' }).main).toBe('my_team__mails_2Ev2');
  expect(physicalNames('switchyard', { plugin: LONG, name: LONG }).dead).toMatch(
    /^switchyard__n{29}_h[0-9a-f]{32}-dead$/,
  );
});

it('finds a place beside a queue of somebody else, however long its name is', () => {
  expect(deadNameBeside('emails')).toBe('emails-dead');
  const longest = ['a', 'b'].map(end => deadNameBeside(`${'n'.repeat(79)}${end}`));
  expect(new Set(longest).size).toBe(2);
  for (const name of longest) expect(name).toHaveLength(80);
});

it('gives names of their own to queues that were made to collide', () => {
  // All that a name of ours is put together from.
  const part = fc.array(fc.constantFrom('a', '-', '_', '.', '-dead', '_2D', '__', '_h'), {
    minLength: 1,
    maxLength: 6,
  });
  const queue = fc.record({ plugin: fc.option(part, { nil: [] }), name: part });
  fc.assert(
    fc.property(queue, queue, (one, other) => {
      const [first, second] = [one, other].map(({ plugin, name }) => ({
        plugin: plugin.join(''),
        name: name.join(''),
      }));
      fc.pre(first!.plugin !== second!.plugin || first!.name !== second!.name);
      const names = [first!, second!].flatMap(each => Object.values(physicalNames('switchyard', each)));
      return new Set(names).size === 4;
    }),
    { numRuns: 5000 },
  );
});
