import { setTimeout as elapse } from 'node:timers/promises';
import type { joinGroupV6 as JoinGroup } from '@platformatic/kafka';
import { atMost, Deadline, inTime } from '../in-time.ts';
import type { BrokerLink } from '../kafka/broker-link.ts';
import type { Cluster } from '../kafka/cluster.ts';
import { answerWithin, brokerCodeOf, NoAnswerError } from '../kafka/errors.ts';
import * as protocol from '../kafka/group-protocol.ts';
import type { TopicPartition } from '../kafka/offsets.ts';
import { Alarm } from './alarm.ts';
import type { Claim } from './assignor.ts';
import { type Continuity, continuityOf, type Member } from './continuity.ts';
import { type CommittedOffset, commitOffsets, fetchOffsets, type OffsetToCommit } from './group-offsets.ts';
import * as requests from './group-requests.ts';
import { Leader } from './leader.ts';
import { otherSessionTimeout } from './session-timeouts.ts';

export interface MembershipOptions {
  readonly cluster: Cluster;
  readonly groupId: string;
  /** The topics that the group shares out. */
  readonly topics: readonly string[];
  /** How long the group waits for a member that says nothing; more where the broker wants more. */
  readonly sessionTimeoutMs: number;
  /**
   * The group is about to share out anew: the last moment to commit, and to say what we have and which of it is busy. What is
   * not busy may be anybody's from then on, if it `mayGo`. Must not reject.
   */
  readonly claim: (mayGo: boolean) => Promise<Omit<Claim, 'generation'>>;
  /** What we have from now on. Nothing is handed out until this has returned. */
  readonly assigned: (partitions: readonly TopicPartition[], continuity: Continuity) => void;
  /** What we have may be handed out again, after it might not for a while: what came meanwhile waits. */
  readonly resumed: () => void;
  /** What the last claim but one held back for others is ours for now after all. */
  readonly keptAfterAll: () => void;
  /** We have nothing any more, and others may. */
  readonly lost: () => void;
  readonly failed: (error: unknown) => void;
  readonly succeeded: () => void;
}

const HEARTBEAT_MS = 500;
/** Others notice at their next heartbeat. */
const JOIN_PATIENCE_MS = 3 * HEARTBEAT_MS;
const LEAVE_TRIES = 3;
const LEAST_MS = 500;
let memberships = 0;
const ANSWER_MS = 5000;
const PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 1000;

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
  readonly #number = memberships++;
  #sessionTimeoutMs: number;
  #coordinator: number | undefined;
  #memberId = '';
  #member: Member | undefined;
  #isSyncing = false;
  #others: protocol.Others = { isAnyHungry: false, isAnyThere: false };
  #isLeader = false;
  /** When the last heartbeat that was answered was sent. */
  #heardAt = -Infinity;
  readonly #leader: Leader;
  /** Ends the pause before the next heartbeat. */
  readonly #alarm = new Alarm();
  #mustRejoin = false;
  #confirmations: ((isMember: boolean) => void)[] = [];
  #loop: Promise<void> | undefined;

  constructor(options: MembershipOptions) {
    this.#options = options;
    this.#sessionTimeoutMs = options.sessionTimeoutMs;
    this.#leader = new Leader(options.cluster, options.topics);
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  /** Are the partitions we were assigned ours for certain? */
  get holds(): boolean {
    return this.#member !== undefined && !this.#isSyncing && this.#isFresh;
  }

  /** What was to be said of the members when all was last shared out. */
  get others(): protocol.Others {
    return this.#others;
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
    this.#alarm.ring();
    return inTime(promise, timeoutMs, () => new NoAnswerError('a heartbeat', 'the group did not answer in time'));
  }

  /** Shares out anew. */
  rejoin(): void {
    this.#mustRejoin = true;
    this.#alarm.ring();
  }

  /** Answers with the codes of what could not be committed. Rejects with a `NoAnswerError` where nothing is known. */
  async commit(offsets: readonly OffsetToCommit[], timeoutMs: number): Promise<ReadonlyMap<OffsetToCommit, string>> {
    const member = this.#member;
    if (member === undefined) return new Map(offsets.map(offset => [offset, 'UNKNOWN_MEMBER_ID']));
    const link = await this.#link(timeoutMs);
    const refused = await commitOffsets(link, { groupId: this.#options.groupId, ...member }, offsets, timeoutMs);
    const codes = [...refused.values()];
    if (codes.some(code => requests.ELSEWHERE.has(code))) this.#coordinator = undefined;
    // The group has shared out without us hearing of it.
    if (codes.some(code => requests.ENDED.has(code)) && this.#member === member) this.#isUncertain();
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
    const deadline = new Deadline(timeoutMs);
    this.#ending.abort();
    this.#alarm.ring();
    this.#member = undefined;
    this.#confirm(false);
    const known = this.#memberId;
    await this.#sendLeave(known, deadline.left);
    // A join that was under way may have made us a member after all.
    await atMost(Math.min(deadline.left, ANSWER_MS), this.#loop ?? Promise.resolve());
    if (this.#memberId !== known) await this.#sendLeave(this.#memberId, deadline.left);
    this.#options.cluster.closeLinks(this.#joinPurpose);
  }

  /** Says it again if the answer is lost: otherwise the others wait for the session to end. */
  async #sendLeave(memberId: string, timeoutMs: number): Promise<void> {
    if (memberId === '') return;
    const deadline = new Deadline(timeoutMs);
    for (let tries = LEAVE_TRIES; tries > 0 && !deadline.isOver; tries--) {
      // One that stays without an answer leaves time for another.
      const left = Math.max(1, Math.min(deadline.left, Math.max(LEAST_MS, deadline.left / tries)));
      try {
        await requests.leave(await this.#link(left), this.#options.groupId, memberId, left);
        return;
      } catch (error) {
        if (requests.ENDED.has(brokerCodeOf(error) ?? '')) return;
        this.#coordinator = undefined;
        await elapse(Math.min(PAUSE_MS, deadline.left));
      }
    }
  }

  /** Its own, also beside another membership of the same group that is just leaving. */
  get #joinPurpose(): string {
    return `join ${this.#number} ${this.#options.groupId}`;
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
    const { cluster, groupId, assigned, resumed, succeeded } = this.#options;
    const node = (this.#coordinator ??= await cluster.coordinator(groupId, ANSWER_MS));
    this.#mustRejoin = false;
    const answerMs = this.#sessionTimeoutMs + ANSWER_MS;
    let joined: JoinGroup.JoinGroupResponse;
    try {
      joined = await this.#askToJoin(node, answerMs);
    } catch (error) {
      // The group may have shared out without us hearing of it: then what we commit counts no more.
      if (error instanceof NoAnswerError) this.#isSyncing = true;
      return this.#refused(error);
    }
    this.#isSyncing = true;
    this.#memberId = joined.memberId;
    this.#isLeader = joined.leader === joined.memberId;
    const shares = this.#isLeader ? await this.#leader.shareOut(joined.members) : [];
    const sentAt = performance.now();
    let share: Buffer;
    try {
      const member = { id: joined.memberId, generation: joined.generationId };
      const link = this.#joinLink(node);
      share = await requests.sync(link, groupId, member, shares, answerMs);
    } catch (error) {
      return this.#refused(error);
    }
    if (this.#ending.signal.aborted) return false;
    const former = this.#member;
    this.#member = { id: joined.memberId, generation: joined.generationId };
    this.#heardAt = sentAt;
    this.#others = protocol.decodeOthers(share);
    assigned(protocol.decodeAssignment(share), continuityOf(former, this.#member));
    this.#isSyncing = false;
    succeeded();
    this.#confirm(true);
    resumed();
    return true;
  }

  /**
   * The join waits until all members have joined, and for one that is dead until its session is over. What we hold back for others is
   * held back for a moment only: then we join again and say that all of it is busy.
   */
  async #askToJoin(node: number, answerMs: number): Promise<JoinGroup.JoinGroupResponse> {
    const { cluster } = this.#options;
    const hasShare = this.#member !== undefined;
    const startedAt = performance.now();
    try {
      return await this.#sendJoin(node, await this.#joinRequest(true), hasShare ? JOIN_PATIENCE_MS : answerMs);
    } catch (error) {
      const isLate = error instanceof NoAnswerError && performance.now() - startedAt >= JOIN_PATIENCE_MS;
      if (!hasShare || !isLate || this.#ending.signal.aborted) throw error;
    }
    // A broker reads nothing more from a connection whose join it has not answered.
    cluster.closeLinks(this.#joinPurpose);
    const request = await this.#joinRequest(false);
    await this.#joinLink(node).ready('to join the group', ANSWER_MS);
    const joined = this.#sendJoin(node, request, answerMs);
    void this.#keepAfterAll(joined);
    return joined;
  }

  /**
   * What the first join has offered may be another's by now, if its answer was lost. Once a heartbeat under our generation is not
   * refused after the second join has arrived, it is not, and nobody will get it.
   */
  async #keepAfterAll(joined: Promise<unknown>): Promise<void> {
    const member = this.#member;
    let isOver = false;
    const over = () => void (isOver = true);
    joined.then(over, over);
    for (;;) {
      // By then it has arrived.
      await elapse(HEARTBEAT_MS);
      if (isOver || member === undefined || this.#member !== member || this.#ending.signal.aborted) return;
      const code = await this.#sendHeartbeat(member).then(
        () => 'NONE',
        (error: unknown) => brokerCodeOf(error) ?? '',
      );
      if (isOver || this.#member !== member) return;
      if (requests.ENDED.has(code)) this.#isUncertain();
      else if (code === 'NONE' || code === 'REBALANCE_IN_PROGRESS') this.#options.keptAfterAll();
      else continue;
      return;
    }
  }

  /** With what we have and want now. */
  async #joinRequest(mayGo: boolean): Promise<requests.Join> {
    const { groupId, topics, claim } = this.#options;
    const generation = this.#member?.generation ?? -1;
    const metadata = protocol.encodeMember(topics, { generation, ...(await claim(mayGo)) });
    return { groupId, memberId: this.#memberId, sessionMs: this.#sessionTimeoutMs, metadata };
  }

  #sendJoin(node: number, request: requests.Join, timeoutMs: number): Promise<JoinGroup.JoinGroupResponse> {
    return requests.join(this.#joinLink(node), request, timeoutMs);
  }

  #joinLink(node: number): BrokerLink {
    return this.#options.cluster.link(node, this.#joinPurpose, this.#sessionTimeoutMs + 2 * ANSWER_MS);
  }

  /** A join or a sync that was refused: what can be mended at once is, and the rest is thrown. */
  #refused(error: unknown): false {
    const code = brokerCodeOf(error) ?? '';
    if (code === 'MEMBER_ID_REQUIRED') {
      this.#memberId = (answerWithin(error) as JoinGroup.JoinGroupResponse | undefined)?.memberId ?? '';
      return false;
    }
    // The second: others have shared out meanwhile, or a new coordinator knows nothing of this share. The group still knows us.
    if (code === 'REBALANCE_IN_PROGRESS' || code === 'ILLEGAL_GENERATION') return false;
    if (requests.ENDED.has(code)) {
      this.#end();
      return false;
    }
    if (code === 'INVALID_SESSION_TIMEOUT') {
      const other = otherSessionTimeout(this.#options.sessionTimeoutMs, this.#sessionTimeoutMs);
      if (other !== undefined) {
        this.#sessionTimeoutMs = other;
        return false;
      }
    }
    throw error;
  }

  /** Sends heartbeats until the group shares out anew, or we are no longer a member. */
  async #stay(): Promise<void> {
    const { failed, succeeded } = this.#options;
    const { signal } = this.#ending;
    let pause = HEARTBEAT_MS;
    while (!signal.aborted && this.#member !== undefined) {
      await this.#alarm.wait(pause);
      if (signal.aborted || this.#mustRejoin) return;
      const sentAt = performance.now();
      try {
        await this.#sendHeartbeat(this.#member);
        this.#heard(sentAt);
        succeeded();
        pause = HEARTBEAT_MS;
        if (this.#isLeader) this.#leader.look(() => this.rejoin());
      } catch (error) {
        const code = brokerCodeOf(error) ?? '';
        if (code === 'REBALANCE_IN_PROGRESS') {
          this.#heard(sentAt);
          return;
        }
        if (requests.ENDED.has(code)) {
          // Of another generation, and still a member.
          this.#end(code === 'ILLEGAL_GENERATION' ? this.#memberId : '');
          return;
        }
        if (!requests.ELSEWHERE.has(code)) failed(error);
        // Another broker may have the group by now.
        this.#coordinator = undefined;
        pause = Math.min(LONGEST_PAUSE_MS, pause === HEARTBEAT_MS ? PAUSE_MS : 2 * pause);
      }
    }
  }

  async #sendHeartbeat(member: Member): Promise<void> {
    await requests.heartbeat(await this.#link(ANSWER_MS), this.#options.groupId, member, ANSWER_MS);
  }

  /** A heartbeat was answered that was sent then. */
  #heard(sentAt: number): void {
    const held = this.holds;
    this.#heardAt = sentAt;
    this.#isSyncing = false;
    this.#confirm(true);
    if (!held && this.holds) this.#options.resumed();
  }

  /** Somebody has said that our generation is over: nothing is handed out before the group has told what is ours. */
  #isUncertain(): void {
    this.#isSyncing = true;
    this.#alarm.ring();
  }

  /** We are not a member any more: whatever we have, others may have. */
  #end(memberId = ''): void {
    this.#memberId = memberId;
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
}
