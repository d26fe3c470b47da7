import { setTimeout as elapse } from 'node:timers/promises';
import {
  heartbeatV4,
  type joinGroupV6 as JoinGroup,
  joinGroupV6,
  leaveGroupV4,
  syncGroupV4,
} from '@platformatic/kafka';
import { atMost, inTime } from '../in-time.ts';
import type { BrokerLink } from '../kafka/broker-link.ts';
import { type Cluster, shapeOf } from '../kafka/cluster.ts';
import { answerWithin, brokerCodeOf, NoAnswerError } from '../kafka/errors.ts';
import * as protocol from '../kafka/group-protocol.ts';
import type { TopicPartition } from '../kafka/offsets.ts';
import { assign, type Claim } from './assignor.ts';
import { type CommittedOffset, commitOffsets, fetchOffsets, type OffsetToCommit } from './group-offsets.ts';

export interface MembershipOptions {
  readonly cluster: Cluster;
  readonly groupId: string;
  /** The topics that the group shares out. */
  readonly topics: readonly string[];
  /** How long the group waits for a member that says nothing; more where the broker wants more. */
  readonly sessionTimeoutMs: number;
  /**
   * The group is about to share out anew: the last moment to commit, and to say what we have and which of it is busy. What is
   * not busy may be anybody's from then on. Must not reject.
   */
  readonly claim: () => Promise<Omit<Claim, 'generation'>>;
  /**
   * What we have from now on. `isContinuous`: nobody else can have had what we have had before and have again, and what we
   * called busy and do not have any more is nobody else's before we join again. Nothing is handed out until this has returned.
   */
  readonly assigned: (partitions: readonly TopicPartition[], isContinuous: boolean) => void;
  /** What we have may be handed out again, after it might not for a while: what came meanwhile waits. */
  readonly resumed: () => void;
  /** We have nothing any more, and others may. */
  readonly lost: () => void;
  readonly failed: (error: unknown) => void;
  readonly succeeded: () => void;
}

interface Member {
  readonly id: string;
  readonly generation: number;
}

const HEARTBEAT_MS = 500;
const ANSWER_MS = 5000;
const PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 1000;
/** Brokers refuse sessions below their `group.min.session.timeout.ms` and above their `group.max.session.timeout.ms`. */
const LONGER_SESSIONS_MS = [6000, 10_000, 30_000, 60_000];
const SHORTER_SESSIONS_MS = [1_800_000, 300_000, 60_000];
const MIDDLE_SESSION_MS = 60_000;
/** How often the leader looks whether there are more partitions. */
const LOOK_MS = 15_000;

const ENDED = new Set(['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'FENCED_INSTANCE_ID']);
const ELSEWHERE = new Set(['NOT_COORDINATOR', 'COORDINATOR_NOT_AVAILABLE', 'COORDINATOR_LOAD_IN_PROGRESS']);

/**
 * Our place in the group: a loop that joins, sends heartbeats, and joins again when the group shares out anew.
 *
 *     out ── join ──> syncing ── sync ──> member ── REBALANCE_IN_PROGRESS ──> join …
 *                                           └── UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION ──> out
 *
 * While the join waits for the others we are still what we were, and our commits count. From its answer on they do not, until
 * the sync has said what is ours now: nothing is handed out in between. A member whose last answered heartbeat is older than the
 * session must believe that it is none.
 */
export class Membership {
  readonly #options: MembershipOptions;
  readonly #ending = new AbortController();
  #sessionTimeoutMs: number;
  #coordinator: number | undefined;
  #memberId = '';
  #member: Member | undefined;
  #isSyncing = false;
  #isLeader = false;
  /** When the last heartbeat that was answered was sent. */
  #heardAt = -Infinity;
  #lookedAt = 0;
  #counts = '';
  /** Ends the pause before the next heartbeat. */
  #hurry: (() => void) | undefined;
  #isHurried = false;
  #mustRejoin = false;
  #confirmations: ((isMember: boolean) => void)[] = [];
  #loop: Promise<void> | undefined;

  constructor(options: MembershipOptions) {
    this.#options = options;
    this.#sessionTimeoutMs = options.sessionTimeoutMs;
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  /** Of the share that we have. */
  get generation(): number {
    return this.#member?.generation ?? -1;
  }

  /** Are the partitions we were assigned ours for certain? */
  get holds(): boolean {
    return this.#member !== undefined && !this.#isSyncing && this.#isFresh;
  }

  get #isFresh(): boolean {
    return performance.now() - this.#heardAt < this.#sessionTimeoutMs;
  }

  /** Asks the group, if that is not certain. `false`: they are not. Rejects when nobody answers in time. */
  async confirm(timeoutMs: number): Promise<boolean> {
    if (this.holds) return true;
    if (this.#member === undefined || this.#ending.signal.aborted) return false;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#confirmations.push(resolve);
    this.#wakeUp();
    return inTime(promise, timeoutMs, () => new NoAnswerError('a heartbeat', 'the group did not answer in time'));
  }

  /** Shares out anew. */
  rejoin(): void {
    this.#mustRejoin = true;
    this.#wakeUp();
  }

  /** Answers with the codes of what could not be committed. Rejects with a `NoAnswerError` where nothing is known. */
  async commit(offsets: readonly OffsetToCommit[], timeoutMs: number): Promise<ReadonlyMap<OffsetToCommit, string>> {
    const member = this.#member;
    if (member === undefined) return new Map(offsets.map(offset => [offset, 'UNKNOWN_MEMBER_ID']));
    const link = await this.#link(timeoutMs);
    const refused = await commitOffsets(link, { groupId: this.#options.groupId, ...member }, offsets, timeoutMs);
    if ([...refused.values()].some(code => ELSEWHERE.has(code))) this.#coordinator = undefined;
    return refused;
  }

  async committed(
    partitions: readonly TopicPartition[],
    timeoutMs: number,
  ): Promise<ReadonlyMap<TopicPartition, CommittedOffset>> {
    try {
      return await fetchOffsets(await this.#link(timeoutMs), this.#options.groupId, partitions, timeoutMs);
    } catch (error) {
      this.#coordinator = undefined;
      throw error;
    }
  }

  /** Leaves the group, so that the others need not wait for the session to end. Commit before. Never rejects. */
  async leave(timeoutMs: number): Promise<void> {
    const { cluster } = this.#options;
    this.#ending.abort();
    this.#wakeUp();
    this.#member = undefined;
    this.#confirm(false);
    const known = this.#memberId;
    await this.#sendLeave(known, timeoutMs);
    // A join that was under way may have made us a member after all.
    await atMost(Math.min(timeoutMs, ANSWER_MS), this.#loop ?? Promise.resolve());
    if (this.#memberId !== known) await this.#sendLeave(this.#memberId, timeoutMs);
    cluster.closeLinks(this.#joinPurpose);
  }

  async #sendLeave(memberId: string, timeoutMs: number): Promise<void> {
    if (memberId === '') return;
    const members = [{ memberId, groupInstanceId: null }];
    const sent = this.#link(timeoutMs).then(link =>
      link.call('to leave', leaveGroupV4.api, [this.#options.groupId, members], timeoutMs),
    );
    await atMost(timeoutMs, sent);
  }

  get #joinPurpose(): string {
    return `join ${this.#options.groupId}`;
  }

  async #run(): Promise<void> {
    const { signal } = this.#ending;
    const { failed } = this.#options;
    for (let pause = PAUSE_MS; !signal.aborted;) {
      try {
        if (!(await this.#join())) continue;
        pause = PAUSE_MS;
        await this.#stay();
      } catch (error) {
        if (signal.aborted) return;
        const code = brokerCodeOf(error) ?? '';
        if (code !== 'COORDINATOR_LOAD_IN_PROGRESS') failed(error);
        this.#coordinator = undefined;
        await elapse(pause, undefined, { signal }).catch(() => {});
        pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
      }
    }
  }

  /** Resolves with whether we are a member now; if not, it is to be called again at once. */
  async #join(): Promise<boolean> {
    const { cluster, groupId, topics, claim, assigned, resumed, succeeded } = this.#options;
    const node = (this.#coordinator ??= await cluster.coordinator(groupId, ANSWER_MS));
    this.#mustRejoin = false;
    const claimed = protocol.encodeMember(topics, { generation: this.generation, ...(await claim()) });
    const rebalanceMs = this.#sessionTimeoutMs;
    const answerMs = rebalanceMs + ANSWER_MS;
    const link = cluster.link(node, this.#joinPurpose, answerMs + ANSWER_MS);
    const request: Parameters<typeof joinGroupV6.createRequest> = [
      groupId,
      this.#sessionTimeoutMs,
      rebalanceMs,
      this.#memberId,
      null,
      protocol.PROTOCOL_TYPE,
      [{ name: protocol.PROTOCOL_NAME, metadata: claimed }],
    ];
    let joined: JoinGroup.JoinGroupResponse;
    try {
      joined = await link.call('to join the group', joinGroupV6.api, request, answerMs);
    } catch (error) {
      return this.#refused(error);
    }
    this.#isSyncing = true;
    this.#memberId = joined.memberId;
    this.#isLeader = joined.leader === joined.memberId;
    const shares = this.#isLeader ? await this.#shareOut(joined.members) : [];
    const sentAt = performance.now();
    let share: Buffer;
    try {
      const { generationId: generation, memberId } = joined;
      const sync: Parameters<typeof syncGroupV4.createRequest> = [
        groupId,
        generation,
        memberId,
        null,
        null,
        null,
        shares,
      ];
      share = (await link.call('for a share', syncGroupV4.api, sync, answerMs)).assignment;
    } catch (error) {
      return this.#refused(error);
    }
    if (this.#ending.signal.aborted) return false;
    const former = this.#member;
    this.#member = { id: joined.memberId, generation: joined.generationId };
    this.#heardAt = sentAt;
    assigned(
      protocol.decodeAssignment(share),
      former !== undefined && former.id === joined.memberId && former.generation + 1 === joined.generationId,
    );
    this.#isSyncing = false;
    succeeded();
    this.#confirm(true);
    resumed();
    return true;
  }

  /** A join or a sync that was refused: what can be mended at once is, and the rest is thrown. */
  #refused(error: unknown): false {
    const code = brokerCodeOf(error) ?? '';
    if (code === 'MEMBER_ID_REQUIRED') {
      this.#memberId = (answerWithin(error) as JoinGroup.JoinGroupResponse | undefined)?.memberId ?? '';
      return false;
    }
    if (code === 'REBALANCE_IN_PROGRESS') return false;
    if (ENDED.has(code)) {
      this.#end();
      return false;
    }
    if (code === 'INVALID_SESSION_TIMEOUT') {
      const refused = this.#sessionTimeoutMs;
      const isShort = this.#options.sessionTimeoutMs < MIDDLE_SESSION_MS;
      const other = isShort
        ? LONGER_SESSIONS_MS.find(session => session > refused)
        : SHORTER_SESSIONS_MS.find(session => session < refused);
      if (other !== undefined) {
        this.#sessionTimeoutMs = other;
        return false;
      }
    }
    throw error;
  }

  /** The leader's part: everybody's share. */
  async #shareOut(members: readonly JoinGroup.JoinGroupResponseMember[]) {
    const { cluster, topics } = this.#options;
    const known = await cluster.topics(topics, { timeoutMs: ANSWER_MS, maxAgeMs: 0 });
    this.#lookedAt = performance.now();
    this.#counts = shapeOf(known);
    const counts = new Map([...known].map(([name, { partitions }]) => [name, partitions.length]));
    const shares = assign(
      members.map(({ memberId, metadata }) => ({ memberId, ...protocol.decodeMember(metadata) })),
      counts,
    );
    return [...shares].map(([memberId, owned]) => ({ memberId, assignment: protocol.encodeAssignment(owned) }));
  }

  /** Sends heartbeats until the group shares out anew, or we are no longer a member. */
  async #stay(): Promise<void> {
    const { groupId, failed, succeeded } = this.#options;
    const { signal } = this.#ending;
    let pause = HEARTBEAT_MS;
    while (!signal.aborted && this.#member !== undefined) {
      await this.#pause(pause);
      if (signal.aborted || this.#mustRejoin) return;
      const { id, generation } = this.#member;
      const sentAt = performance.now();
      try {
        const link = await this.#link(ANSWER_MS);
        await link.call('a heartbeat', heartbeatV4.api, [groupId, generation, id, null], ANSWER_MS);
        this.#heard(sentAt);
        succeeded();
        pause = HEARTBEAT_MS;
        if (this.#isLeader && sentAt - this.#lookedAt > LOOK_MS && (await this.#haveTopicsChanged())) return;
      } catch (error) {
        const code = brokerCodeOf(error) ?? '';
        if (code === 'REBALANCE_IN_PROGRESS') {
          this.#heard(sentAt);
          return;
        }
        if (ENDED.has(code)) {
          this.#end();
          return;
        }
        if (!ELSEWHERE.has(code)) failed(error);
        // Another broker may have the group by now.
        this.#coordinator = undefined;
        pause = Math.min(LONGEST_PAUSE_MS, pause === HEARTBEAT_MS ? PAUSE_MS : 2 * pause);
      }
    }
  }

  /** A heartbeat was answered that was sent then. */
  #heard(sentAt: number): void {
    const held = this.holds;
    this.#heardAt = sentAt;
    this.#confirm(true);
    if (!held && this.holds) this.#options.resumed();
  }

  async #haveTopicsChanged(): Promise<boolean> {
    const { cluster, topics } = this.#options;
    this.#lookedAt = performance.now();
    const known = await cluster.topics(topics, { timeoutMs: ANSWER_MS, maxAgeMs: LOOK_MS }).catch(() => undefined);
    return known !== undefined && shapeOf(known) !== this.#counts;
  }

  /** We are not a member any more: whatever we have, others may have. */
  #end(): void {
    this.#memberId = '';
    this.#isSyncing = false;
    const wasMember = this.#member !== undefined;
    this.#member = undefined;
    this.#heardAt = -Infinity;
    if (wasMember) this.#options.lost();
    this.#confirm(false);
  }

  #confirm(isMember: boolean): void {
    const waiting = this.#confirmations;
    this.#confirmations = [];
    for (const resolve of waiting) resolve(isMember && this.holds);
  }

  async #link(timeoutMs: number): Promise<BrokerLink> {
    const { cluster, groupId } = this.#options;
    this.#coordinator ??= await cluster.coordinator(groupId, timeoutMs);
    return cluster.link(this.#coordinator, 'groups');
  }

  async #pause(ms: number): Promise<void> {
    if (!this.#isHurried) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#hurry = resolve;
      const timer = setTimeout(resolve, ms);
      await promise;
      clearTimeout(timer);
      this.#hurry = undefined;
    }
    this.#isHurried = false;
  }

  #wakeUp(): void {
    this.#isHurried = true;
    this.#hurry?.();
  }
}
