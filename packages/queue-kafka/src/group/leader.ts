import type { joinGroupV6 as JoinGroup, syncGroupV4 } from '@platformatic/kafka';
import { type Cluster, shapeOf } from '../kafka/cluster.ts';
import * as protocol from '../kafka/group-protocol.ts';
import { assign } from './assignor.ts';

const ANSWER_MS = 5000;
/** How often the leader looks whether there are more partitions. */
const LOOK_MS = 15_000;
/** And if something was not there that should be: a broker may be late to know of a topic. */
const LOOK_AGAIN_MS = 500;

/** The leader's part in a group: everybody's share, and a look at the topics from time to time. */
export class Leader {
  readonly #cluster: Cluster;
  readonly #topics: readonly string[];
  #lookAt = Infinity;
  #shape = '';

  constructor(cluster: Cluster, topics: readonly string[]) {
    this.#cluster = cluster;
    this.#topics = topics;
  }

  async shareOut(
    members: readonly JoinGroup.JoinGroupResponseMember[],
  ): Promise<syncGroupV4.SyncGroupRequestAssignment[]> {
    const known = await this.#cluster.topics(this.#topics, { timeoutMs: ANSWER_MS, maxAgeMs: 0 });
    this.#lookAgain(known);
    this.#shape = shapeOf(known);
    const group = members.map(({ memberId, metadata }) => ({ memberId, ...protocol.decodeMember(metadata) }));
    const there = group.filter(({ isStandingBy }) => !isStandingBy);
    const others = { isAnyHungry: there.some(({ isHungry }) => isHungry), isAnyThere: there.length > 0 };
    const shares = assign(group, new Map([...known].map(([name, { partitions }]) => [name, partitions.length])));
    return [...shares].map(([memberId, owned]) => ({
      memberId,
      assignment: protocol.encodeAssignment(owned, others),
    }));
  }

  /** Says so if the topics have changed since. Call it often, it asks seldom. */
  look(changed: () => void): void {
    if (performance.now() < this.#lookAt) return;
    this.#lookAt = performance.now() + LOOK_MS;
    const shape = this.#shape;
    const asked = this.#cluster.topics(this.#topics, { timeoutMs: ANSWER_MS, maxAgeMs: 0 });
    void asked.then(
      known => {
        // Meanwhile all may have been shared out again.
        if (this.#shape !== shape) return;
        this.#lookAgain(known);
        if (shapeOf(known) !== shape) changed();
      },
      () => {},
    );
  }

  #lookAgain(known: ReadonlyMap<string, unknown>): void {
    this.#lookAt = performance.now() + (known.size < this.#topics.length ? LOOK_AGAIN_MS : LOOK_MS);
  }
}
