import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assign, type Claim, type Member, type Share } from '../src/group/assignor.ts';
import {
  decodeAssignment,
  decodeMember,
  decodeOthers,
  decodeOwned,
  encodeAssignment,
  encodeMember,
  encodeOwned,
} from '../src/kafka/group-protocol.ts';

type Shares = ReadonlyMap<string, readonly Share[]>;

const NAMES = ['jobs', 'delays', 'others'];
const partitionsOf = (shares: Shares, member: string, topic: string): readonly number[] =>
  shares.get(member)?.find(share => share.topic === topic)?.partitions ?? [];
const has = (topic: string, partitions: number[], busy: number[] = [], pinned: number[] = []) => ({
  topic,
  partitions,
  busy,
  pinned,
});
const member = (memberId: string, generation = -1, ...owned: ReturnType<typeof has>[]): Member => ({
  memberId,
  generation,
  owned,
  isHungry: true,
  isStandingBy: false,
});
/** They come again with what they got, none of it busy. */
const after = (shares: Shares, generation: number): Member[] =>
  [...shares].map(([memberId, got]) =>
    member(memberId, generation, ...got.map(({ topic, partitions }) => has(topic, partitions))),
  );
const spread = (counts: readonly number[]) => Math.max(...counts) - Math.min(...counts);

const topics = fc
  .tuple(fc.nat(20), fc.nat(20), fc.nat(3))
  .map(counts => new Map(NAMES.map((name, index) => [name, counts[index] ?? 0])));
const partition = fc.integer({ min: -1, max: 22 });
/** Claims of all kinds: of topics and partitions that are none, of several members, of several generations. */
const owned = (isBusy: boolean) =>
  fc.array(partition, { maxLength: 12 }).chain(partitions =>
    fc.record({
      topic: fc.constantFrom(...NAMES, 'gone'),
      partitions: fc.constant(partitions),
      busy: isBusy ? fc.oneof(fc.constant(partitions), fc.subarray(partitions)) : fc.constant([]),
      pinned: fc.constant([]),
    }),
  );
const group = ({ isBusy = true, areAllHungry = false } = {}): fc.Arbitrary<Member[]> =>
  fc.uniqueArray(
    fc.record({
      isStandingBy: fc.constant(false),
      memberId: fc.string({ maxLength: 4 }),
      owned: fc.uniqueArray(owned(isBusy), { maxLength: 4, selector: ({ topic }) => topic }),
      generation: fc.integer({ min: -1, max: 3 }),
      isHungry: areAllHungry ? fc.constant(true) : fc.boolean(),
    }),
    { selector: ({ memberId }) => memberId, minLength: 1, maxLength: 9 },
  );

/** The rules in words. Who has a partition: the only one with the highest generation of all that claim it. */
function holder(
  all: readonly Member[],
  topic: string,
  number: number,
): { memberId: string; isBusy: boolean } | undefined {
  const claims = all.flatMap(({ memberId, generation, owned: claimed }) =>
    claimed
      .filter(share => generation >= 0 && share.topic === topic && share.partitions.includes(number))
      .map(({ busy }) => ({ memberId, generation, isBusy: busy.includes(number) })),
  );
  const highest = Math.max(...claims.map(({ generation }) => generation));
  const latest = claims.filter(({ generation }) => generation === highest);
  return latest.length === 1 ? latest[0] : undefined;
}

/** Who shares a topic, and what of it; the rest stays with those that have no wish for it. */
function toShare(all: readonly Member[], topic: string, count: number) {
  const hungry = all.filter(({ isHungry }) => isHungry);
  const takers = (hungry.length > 0 ? hungry : all).map(({ memberId }) => memberId);
  const partitions = [...Array.from({ length: count }).keys()].map(number => ({
    number,
    ...holder(all, topic, number),
  }));
  const shared = partitions.filter(({ isBusy, memberId }) => isBusy !== true || takers.includes(memberId ?? ''));
  return {
    takers,
    partitions,
    shared,
    least: Math.floor(shared.length / takers.length),
    more: shared.length % takers.length,
  };
}

/** The most partitions that can stay where they are, tried out: every choice of who gets one more. */
function mostThatStay(all: readonly Member[], topic: string, count: number): number {
  const { takers, partitions, shared, least, more } = toShare(all, topic, count);
  const kept = takers.map(taker => shared.filter(({ memberId }) => memberId === taker).length);
  let most = 0;
  for (let choice = 0; choice < 2 ** takers.length; choice++) {
    const extra = takers.map((_, index) => (choice >> index) & 1);
    if (extra.reduce((sum, one) => sum + one, 0) !== more) continue;
    const stay = kept.map((mine, index) => Math.min(mine, least + (extra[index] ?? 0)));
    most = Math.max(
      most,
      stay.reduce((sum, one) => sum + one, 0),
    );
  }
  return most + partitions.length - shared.length;
}

function staying(all: readonly Member[], shares: Shares, topic: string): number {
  return all.flatMap(({ memberId }) =>
    partitionsOf(shares, memberId, topic).filter(number => holder(all, topic, number)?.memberId === memberId),
  ).length;
}

describe('the assignor', () => {
  it('gives every partition to one member, but to none what is busy and has to move', () => {
    fc.assert(
      fc.property(group(), topics, (all, counts) => {
        const shares = assign(all, counts);
        expect([...shares.keys()].toSorted()).toEqual(all.map(({ memberId }) => memberId).toSorted());
        expect([...shares.values()].flat().every(({ topic }) => counts.has(topic))).toBe(true);
        for (const [topic, count] of counts) {
          const given = all.flatMap(({ memberId }) => partitionsOf(shares, memberId, topic));
          expect(new Set(given).size).toBe(given.length);
          expect(given.every(number => number >= 0 && number < count)).toBe(true);
          for (const { number, memberId, isBusy } of toShare(all, topic, count).partitions) {
            if (isBusy === true) expect([memberId, undefined]).toContain(takerOf(shares, topic, number));
            else expect(given).toContain(number);
          }
        }
      }),
    );
  });

  it('balances each topic by itself, among those that wait for jobs', () => {
    fc.assert(
      fc.property(group(), topics, (all, counts) => {
        const shares = assign(all, counts);
        for (const [topic, count] of counts) {
          const { takers, partitions, least, more } = toShare(all, topic, count);
          const got = new Set(all.flatMap(({ memberId }) => partitionsOf(shares, memberId, topic)));
          const waiting = partitions.filter(({ number }) => !got.has(number)).length;
          const mine = takers.map(memberId => partitionsOf(shares, memberId, topic).length);
          expect(Math.max(...mine)).toBeLessThanOrEqual(least + Number(more > 0));
          expect(Math.min(...mine)).toBeGreaterThanOrEqual(least - waiting);
          // The others have nothing but what they are busy with.
          for (const { memberId } of all.filter(other => !takers.includes(other.memberId))) {
            const busy = partitions.filter(held => held.memberId === memberId && held.isBusy === true);
            expect(partitionsOf(shares, memberId, topic)).toEqual(busy.map(({ number }) => number));
          }
        }
      }),
    );
  });

  it('moves only what must move, and of what a member has the idle ones first', () => {
    fc.assert(
      fc.property(group(), topics, (all, counts) => {
        const shares = assign(all, counts);
        for (const [topic, count] of counts) {
          expect(staying(all, shares, topic)).toBe(mostThatStay(all, topic, count));
          for (const { memberId } of all) {
            const mine = toShare(all, topic, count).partitions.filter(held => held.memberId === memberId);
            const stays = ({ number }: { number: number }) => partitionsOf(shares, memberId, topic).includes(number);
            if (mine.some(held => held.isBusy === true && !stays(held))) {
              expect(mine.filter(held => held.isBusy !== true && stays(held))).toEqual([]);
            }
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it('says the same whatever the order of members, topics and claims', () => {
    const shuffled = group().chain(all =>
      fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length })),
    );
    fc.assert(
      fc.property(shuffled, topics, ([all, others], counts) => {
        const turned = others.map(({ owned: claimed, ...rest }) => ({ ...rest, owned: claimed.toReversed() }));
        expect([...assign(turned, new Map([...counts].toReversed()))]).toEqual([...assign(all, counts)]);
      }),
    );
  });

  it('gives those one more that have fewer of other topics', () => {
    const ids = fc.uniqueArray(fc.string({ maxLength: 4 }), { minLength: 1, maxLength: 9 });
    fc.assert(
      fc.property(ids, topics, (all, counts) => {
        const shares = assign(
          all.map(id => member(id)),
          counts,
        );
        const totals = [...shares.values()].map(share => share.flatMap(({ partitions }) => partitions).length);
        expect(spread(totals)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('moves nothing for the sake of the total', () => {
    const all = [
      member('a', 1, has('delays', [0, 2]), has('jobs', [0, 2])),
      member('b', 1, has('delays', [1]), has('jobs', [1])),
    ];
    const shares = assign(
      all,
      new Map([
        ['jobs', 3],
        ['delays', 3],
      ]),
    );
    expect(after(shares, 1)).toEqual(all);
  });

  it('believes the latest claim, and neither of two that contradict each other', () => {
    const late = assign(
      [member('a', 7, has('jobs', [0, 1])), member('b', 8, has('jobs', [0, 1]))],
      new Map([['jobs', 4]]),
    );
    expect(partitionsOf(late, 'b', 'jobs')).toEqual([0, 1]);
    const contradiction = [
      member('a', 7, has('jobs', [0, 1], [0])),
      member('b', 7, has('jobs', [0, 1], [1])),
      member('c', 6, has('jobs', [2, 3])),
    ];
    // Busy or not: nobody is trusted to have them, so they are given away.
    expect(assign(contradiction, new Map([['jobs', 6]]))).toEqual(
      new Map([
        ['a', [{ topic: 'jobs', partitions: [0, 1] }]],
        ['b', [{ topic: 'jobs', partitions: [4, 5] }]],
        ['c', [{ topic: 'jobs', partitions: [2, 3] }]],
      ]),
    );
    // The same twice from one member is no contradiction, and from one without a generation no claim.
    const twice = assign(
      [member('a', 7, has('jobs', [3, 3])), member('b', -1, has('jobs', [3]))],
      new Map([['jobs', 4]]),
    );
    expect(partitionsOf(twice, 'a', 'jobs')).toContain(3);
  });

  it('gives what was busy to those it was kept for, and moves nothing else for that', () => {
    fc.assert(
      fc.property(group({ areAllHungry: true }), topics, (all, counts) => {
        const first = assign(all, counts);
        const second = assign(after(first, 9), counts);
        for (const [topic, count] of counts) {
          const sizes = all.map(({ memberId }) => partitionsOf(second, memberId, topic).length);
          expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(count);
          expect(spread(sizes)).toBeLessThanOrEqual(1);
          for (const { memberId } of all) {
            expect(partitionsOf(second, memberId, topic)).toEqual(
              expect.arrayContaining([...partitionsOf(first, memberId, topic)]),
            );
          }
        }
      }),
    );
  });

  it('moves the least in joins and leaves, one after the other', () => {
    const change = fc.oneof(
      fc.record({ joins: fc.string({ minLength: 1, maxLength: 3 }) }),
      fc.record({ leaves: fc.nat(10) }),
    );
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 20 }), topics, (changes, counts) => {
        let shares: Shares = assign([member('first')], counts);
        for (const [index, step] of changes.entries()) {
          const before = after(shares, index);
          const isJoin = 'joins' in step;
          if (!isJoin && before.length === 1) continue;
          const all = isJoin
            ? [...before, member(`${step.joins} ${index}`)]
            : before.filter((_, place) => place !== step.leaves % before.length);
          const now = assign(all, counts);
          for (const [topic, count] of counts) {
            expect(staying(all, now, topic)).toBe(mostThatStay(all, topic, count));
            for (const { memberId } of before) {
              if (!now.has(memberId)) continue;
              const [less, more] = isJoin ? [now, shares] : [shares, now];
              // Nobody loses anything when another leaves, and only the newcomer gets something when it comes.
              const most = partitionsOf(more, memberId, topic);
              expect(partitionsOf(less, memberId, topic).filter(number => !most.includes(number))).toEqual([]);
            }
          }
          shares = now;
        }
      }),
      { numRuns: 50 },
    );
  });

  it('moves nothing when nothing has changed', () => {
    fc.assert(
      fc.property(group({ isBusy: false }), topics, (all, counts) => {
        const shares = assign(all, counts);
        const again = after(shares, 5).map(({ memberId, ...rest }) => ({
          ...rest,
          memberId,
          isHungry: all.some(other => other.memberId === memberId && other.isHungry),
        }));
        expect([...assign(again, counts)]).toEqual([...shares]);
      }),
    );
  });

  it('gives nobody anything where there is nobody, or nothing', () => {
    expect([...assign([], new Map([['jobs', 3]]))]).toEqual([]);
    expect([...assign([member('a')], new Map())]).toEqual([['a', []]]);
  });
});

function takerOf(shares: Shares, topic: string, number: number): string | undefined {
  return [...shares.keys()].find(memberId => partitionsOf(shares, memberId, topic).includes(number));
}

it('leaves a partition whose jobs take long where it is, and shares the others out', () => {
  const long = member('a', 1, has('jobs', [0, 1, 2, 3], [0, 1], [0]));
  const shares = assign([long, member('b')], new Map([['jobs', 4]]));
  expect(partitionsOf(shares, 'a', 'jobs')).toContain(0);
  // The other one in which something runs may stay as well, idle ones go at once.
  expect(partitionsOf(shares, 'b', 'jobs').every(number => number >= 2)).toBe(true);
  expect(partitionsOf(shares, 'b', 'jobs').length).toBeGreaterThan(0);
});

it('leaves it also with a member that is not hungry, and with one that has more than its part', () => {
  const sated = { ...member('a', 1, has('jobs', [0, 1], [0, 1], [0, 1])), isHungry: false };
  const shares = assign([sated, member('b')], new Map([['jobs', 2]]));
  expect(partitionsOf(shares, 'a', 'jobs')).toEqual([0, 1]);
});

it('gives nothing to one that stands by, even where nobody is hungry', () => {
  const leaving = { ...member('a', 1, has('jobs', [0, 1, 2, 3], [3])), isHungry: false, isStandingBy: true };
  const sated = { ...member('b'), isHungry: false };
  const shares = assign([leaving, sated], new Map([['jobs', 4]]));
  expect(partitionsOf(shares, 'a', 'jobs')).toEqual([3]);
  expect(partitionsOf(shares, 'b', 'jobs')).toEqual([0, 1, 2]);
  expect(partitionsOf(assign([leaving], new Map([['jobs', 4]])), 'a', 'jobs')).toEqual([0, 1, 2, 3]);
});

it('leaves no partition without a member, but those that have to be let go first', () => {
  // Each has partitions of its own: what runs in one is busy, and some of that takes long.
  const states = fc.array(fc.tuple(fc.nat(3), fc.constantFrom('idle', 'busy', 'pinned')), { maxLength: 20 });
  const appetites = fc.tuple(fc.boolean(), fc.boolean(), fc.boolean());
  fc.assert(
    fc.property(states, appetites, (partitions, hungry) => {
      const all = hungry.map((isHungry, index): Member => {
        const own = partitions.flatMap(([owner, state], number) => (owner === index ? [{ number, state }] : []));
        const of = (...kinds: string[]) => own.filter(({ state }) => kinds.includes(state)).map(({ number }) => number);
        const claim = has('jobs', of('idle', 'busy', 'pinned'), of('busy', 'pinned'), of('pinned'));
        return { ...member(`member ${index}`, 1, claim), isHungry };
      });
      const shares = assign(all, new Map([['jobs', partitions.length]]));
      const given = all.flatMap(({ memberId }) => partitionsOf(shares, memberId, 'jobs'));
      expect(new Set(given).size).toBe(given.length);
      for (const [number, [owner, state]] of partitions.entries()) {
        if (state === 'idle' || owner >= all.length) expect(given).toContain(number);
        if (state === 'pinned' && owner < all.length)
          expect(partitionsOf(shares, `member ${owner}`, 'jobs')).toContain(number);
      }
    }),
  );
});

describe('what members say', () => {
  const counts = fc.array(fc.nat(), { maxLength: 20 });
  const claim: fc.Arbitrary<Claim> = fc.record({
    generation: fc.nat(),
    owned: fc.array(
      fc.record({ topic: fc.string({ maxLength: 20 }), partitions: counts, busy: counts, pinned: counts }),
    ),
    isHungry: fc.boolean(),
    isStandingBy: fc.boolean(),
  });
  const nothing = { generation: -1, owned: [], isHungry: true, isStandingBy: false };

  it('is understood by the leader', () => {
    fc.assert(
      fc.property(claim, said => {
        expect(decodeOwned(encodeOwned(said))).toEqual(said);
        expect(decodeMember(encodeMember(['jobs', 'delays'], said))).toEqual(said);
      }),
    );
    expect(decodeMember(encodeMember(['jobs'], nothing))).toEqual(nothing);
  });

  it('is nothing where it is strange', () => {
    const json = fc.json().map(text => Buffer.from(text));
    const bytes = fc.uint8Array().map(array => Buffer.from(array));
    fc.assert(
      fc.property(fc.oneof(json, bytes), said => {
        expect(decodeOwned(said)).toEqual(nothing);
        expect(decodeMember(said)).toEqual(nothing);
      }),
    );
    const jobs = { topic: 'jobs', partitions: [1], busy: [], pinned: [] };
    for (const said of [
      { v: 2, generation: 1, owned: [jobs] },
      { v: 1, generation: -5, owned: [jobs] },
      { v: 1, generation: 1.5, owned: [jobs] },
      { v: 1, generation: 1, owned: { jobs } },
      { v: 1, generation: 1, owned: [{ ...jobs, partitions: undefined }] },
      { v: 1, generation: 1, owned: [{ ...jobs, busy: undefined }] },
      { v: 1, generation: 1, owned: [{ ...jobs, pinned: undefined }] },
      { v: 1, generation: 1, owned: [{ ...jobs, partitions: ['1'] }] },
      { v: 1, generation: 1, owned: [jobs, { ...jobs, busy: [-1] }] },
      { v: 1, generation: 1, owned: [{ ...jobs, topic: 7 }] },
      { v: 1, generation: 1, owned: [null] },
      null,
    ]) {
      expect(decodeOwned(Buffer.from(JSON.stringify(said)))).toEqual(nothing);
    }
  });

  it('is nothing where it is cut off', () => {
    const rest = { owned: [has('jobs', [1, 2], [2])], isHungry: false, isStandingBy: true };
    const said = encodeMember(['jobs'], { generation: 3, ...rest });
    for (let length = 0; length < said.length; length++)
      expect(decodeMember(said.subarray(0, length))).toEqual(nothing);
  });

  it('is a share that arrives', () => {
    const parts = [
      { topic: 'jobs', partitions: [0, 2] },
      { topic: 'delays', partitions: [1] },
    ];
    const others = { isAnyHungry: true, isAnyThere: true };
    const nobody = { isAnyHungry: false, isAnyThere: false };
    const share = encodeAssignment(parts, others);
    expect(decodeAssignment(share)).toEqual([
      { topic: 'delays', partition: 1 },
      { topic: 'jobs', partition: 0 },
      { topic: 'jobs', partition: 2 },
    ]);
    expect(decodeAssignment(encodeAssignment([], others))).toEqual([]);
    expect(decodeAssignment(Buffer.alloc(0))).toEqual([]);
    for (const said of [others, { isAnyHungry: false, isAnyThere: true }, nobody]) {
      expect(decodeOthers(encodeAssignment(parts, said))).toEqual(said);
    }
    expect(decodeOthers(Buffer.alloc(0))).toEqual(nobody);
  });
});
