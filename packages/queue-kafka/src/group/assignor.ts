/** Partitions of one topic that a member has. */
export interface Owned {
  readonly topic: string;
  readonly partitions: readonly number[];
  /** Those of them with records under way. */
  readonly busy: readonly number[];
  /** Those of them whose records take long: they stay where they are for now. */
  readonly pinned: readonly number[];
}

/** What a member says when it joins. */
export interface Claim {
  /** In which generation it got what it has; -1: it has nothing. */
  readonly generation: number;
  readonly owned: readonly Owned[];
  /** It has handlers that wait for jobs. One that has not keeps jobs from those that have. */
  readonly isHungry: boolean;
  /** Nobody will ask it for jobs: it is about to leave once what runs is done. */
  readonly isStandingBy: boolean;
}

export interface Member extends Claim {
  readonly memberId: string;
}

export interface Share {
  readonly topic: string;
  readonly partitions: number[];
}

/** A partition, and who has it as far as that can be trusted. */
interface Held {
  readonly partition: number;
  readonly owner: number;
  readonly isBusy: boolean;
  readonly isPinned: boolean;
}

const NOBODY = -1;

/**
 * Shares the partitions of the topics out to the members, each topic by itself: a member with all the jobs and another with all the
 * delays are not equally busy.
 *
 * Who is hungry gets equal parts of what is not busy elsewhere; if nobody is, everybody does who does not stand by. Within that only
 * those partitions move that must, idle ones first. One that is busy and has to move goes to nobody yet: its member lets what runs
 * finish, and joins again without it. So no record is ever under way at two members that both do as they should.
 *
 * The same for the same members in whatever order, so that two leaders with the same view share out alike.
 */
export function assign(members: readonly Member[], topics: ReadonlyMap<string, number>): Map<string, Share[]> {
  const sorted = members.toSorted((a, b) => compare(a.memberId, b.memberId));
  const shares = new Map(sorted.map(({ memberId }): [string, Share[]] => [memberId, []]));
  if (sorted.length === 0) return shares;
  const load = sorted.map(() => 0);
  for (const [topic, count] of [...topics].toSorted(([a], [b]) => compare(a, b))) {
    for (const [index, partitions] of shareOut(sorted, topic, count, load).entries()) {
      load[index] = (load[index] ?? 0) + partitions.length;
      if (partitions.length > 0) shares.get(sorted[index]?.memberId ?? '')?.push({ topic, partitions });
    }
  }
  return shares;
}

/** `load`: what each has got of other topics, which decides who gets the one more that does not divide. */
function shareOut(members: readonly Member[], topic: string, count: number, load: readonly number[]): number[][] {
  const held = heldOf(members, topic, count);
  const takers = takersOf(members);
  const stays = ({ owner, isBusy, isPinned }: Held) => isPinned || (isBusy && !takers.includes(owner));
  const quotas = quotasFor(
    takers,
    held.filter(partition => !stays(partition) || takers.includes(partition.owner)),
    load,
  );
  const shares = members.map((): number[] => []);
  const free: Held[] = [];
  // Busy ones are looked at first, so that idle ones are those that move.
  for (const partition of held.toSorted((a, b) => Number(b.isBusy) - Number(a.isBusy) || a.partition - b.partition)) {
    const share = shares[partition.owner];
    const quota = quotas.get(partition.owner) ?? 0;
    if (share !== undefined && (stays(partition) || share.length < quota)) share.push(partition.partition);
    else free.push(partition);
  }
  for (const { partition, isBusy } of free) {
    const taker = takers.find(index => (shares[index]?.length ?? 0) < (quotas.get(index) ?? 0));
    if (taker === undefined) continue;
    // Its part, but not before it is let go.
    if (isBusy) quotas.set(taker, (quotas.get(taker) ?? 0) - 1);
    else shares[taker]?.push(partition);
  }
  return shares.map(share => share.toSorted((a, b) => a - b));
}

/** Who may get something, by their places. */
function takersOf(members: readonly Member[]): number[] {
  const those = (may: (member: Member) => boolean) => members.flatMap((member, index) => (may(member) ? [index] : []));
  const hungry = those(({ isHungry, isStandingBy }) => isHungry && !isStandingBy);
  if (hungry.length > 0) return hungry;
  const there = those(({ isStandingBy }) => !isStandingBy);
  return there.length > 0 ? there : those(() => true);
}

/**
 * How many each of them gets: equal parts, and one more for those whose busy partitions would have to move otherwise, then for those
 * whose idle ones would, then for those that have the least of other topics.
 */
function quotasFor(
  takers: readonly number[],
  partitions: readonly Held[],
  load: readonly number[],
): Map<number, number> {
  const least = Math.floor(partitions.length / takers.length);
  const more = partitions.length % takers.length;
  const rank = new Map(
    takers.map(index => {
      const has = partitions.filter(({ owner }) => owner === index);
      const surplus = (held: readonly Held[]) => Number(held.length > least);
      return [index, 2 * surplus(has.filter(({ isBusy }) => isBusy)) + surplus(has)];
    }),
  );
  const ranked = takers.toSorted(
    (a, b) => (rank.get(b) ?? 0) - (rank.get(a) ?? 0) || (load[a] ?? 0) - (load[b] ?? 0) || a - b,
  );
  return new Map(ranked.map((index, place) => [index, least + Number(place < more)]));
}

/** A claim counts if none of a later generation, and no other of the same, is for the same partition. */
function heldOf(members: readonly Member[], topic: string, count: number): Held[] {
  return Array.from({ length: count }, (_, partition): Held => {
    const claims = members.flatMap(({ owned, generation }, owner) => {
      const found = owned.find(other => other.topic === topic && other.partitions.includes(partition));
      return found === undefined || generation < 0
        ? []
        : [{ owner, generation, isBusy: found.busy.includes(partition), isPinned: found.pinned.includes(partition) }];
    });
    const latest = Math.max(...claims.map(({ generation }) => generation));
    const [claim, another] = claims.filter(({ generation }) => generation === latest);
    if (claim === undefined || another !== undefined)
      return { partition, owner: NOBODY, isBusy: false, isPinned: false };
    return { partition, owner: claim.owner, isBusy: claim.isBusy, isPinned: claim.isPinned };
  });
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
