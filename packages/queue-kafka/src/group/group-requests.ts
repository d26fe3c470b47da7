import { heartbeatV4, joinGroupV6, leaveGroupV4, syncGroupV4 } from '@platformatic/kafka';
import type { BrokerLink } from '../kafka/broker-link.ts';
import * as protocol from '../kafka/group-protocol.ts';
import type { Member } from './continuity.ts';

/** Said to one that is no member, or not of this generation. */
export const ENDED: ReadonlySet<string> = new Set(['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'FENCED_INSTANCE_ID']);
/** Said by a broker that does not coordinate the group, or not yet. */
export const ELSEWHERE: ReadonlySet<string> = new Set([
  'NOT_COORDINATOR',
  'COORDINATOR_NOT_AVAILABLE',
  'COORDINATOR_LOAD_IN_PROGRESS',
]);
/** Nobody here has a place in the group that outlives its process. */
const NO_INSTANCE = null;

export interface Join {
  readonly groupId: string;
  /** Empty for one that has none yet. */
  readonly memberId: string;
  readonly sessionMs: number;
  readonly metadata: Buffer;
}

/** Answered once all members have joined, or those that have not are given up. */
export function join(
  link: BrokerLink,
  { groupId, memberId, sessionMs, metadata }: Join,
  timeoutMs: number,
): Promise<joinGroupV6.JoinGroupResponse> {
  const protocols = [{ name: protocol.PROTOCOL_NAME, metadata }];
  const request: Parameters<typeof joinGroupV6.createRequest> = [
    groupId,
    sessionMs,
    sessionMs,
    memberId,
    NO_INSTANCE,
    protocol.PROTOCOL_TYPE,
    protocols,
  ];
  return link.call('to join the group', joinGroupV6.api, request, timeoutMs);
}

/** Answers with our share. `shares`: those of all, from the leader. */
export async function sync(
  link: BrokerLink,
  groupId: string,
  { id, generation }: Member,
  shares: readonly syncGroupV4.SyncGroupRequestAssignment[],
  timeoutMs: number,
): Promise<Buffer> {
  const request: Parameters<typeof syncGroupV4.createRequest> = [
    groupId,
    generation,
    id,
    NO_INSTANCE,
    null,
    null,
    [...shares],
  ];
  return (await link.call('for a share', syncGroupV4.api, request, timeoutMs)).assignment;
}

export async function heartbeat(
  link: BrokerLink,
  groupId: string,
  { id, generation }: Member,
  timeoutMs: number,
): Promise<void> {
  await link.call('a heartbeat', heartbeatV4.api, [groupId, generation, id, NO_INSTANCE], timeoutMs);
}

export async function leave(link: BrokerLink, groupId: string, memberId: string, timeoutMs: number): Promise<void> {
  const members = [{ memberId, groupInstanceId: NO_INSTANCE }];
  await link.call('to leave', leaveGroupV4.api, [groupId, members], timeoutMs);
}
