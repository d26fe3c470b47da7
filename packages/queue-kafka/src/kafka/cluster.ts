import { setTimeout as elapse } from 'node:timers/promises';
import { type API, findCoordinatorV4, metadataV12 } from '@platformatic/kafka';
import { Deadline, inTime } from '../in-time.ts';
import { type BrokerAddress, BrokerLink, type LinkSettings } from './broker-link.ts';
import { answerWithin, BrokerError, brokerCodeOf, NoAnswerError, nameOfCode, NotSentError } from './errors.ts';

export interface Topic {
  readonly name: string;
  /** Another one after the topic was deleted and made again. */
  readonly id: string;
  readonly partitions: readonly Leader[];
}

/** Who has a partition, and since which election. */
export interface Leader {
  /** -1: nobody right now. */
  readonly node: number;
  readonly epoch: number;
}

interface Known {
  readonly topic: Topic;
  readonly at: number;
}

/** What one request for metadata may take before another broker is asked. */
const ASK_TIMEOUT_MS = 3000;
const REQUEST_TIMEOUT_MS = 8000;
/** Of requests that wait for other brokers. */
export const SLOW_REQUEST_TIMEOUT_MS = 20_000;
const GROUP_KEY = 0;
const PAUSE_MS = 100;

/** The brokers, who leads what, and the links to them that the process shares. */
export class Cluster {
  readonly #bootstrap: readonly BrokerAddress[];
  readonly #settings: LinkSettings;
  readonly #links = new Map<string, BrokerLink>();
  readonly #topics = new Map<string, Known>();
  readonly #asking = new Map<string, Promise<void>>();
  #brokers = new Map<number, BrokerAddress>();
  #controller = -1;
  /** Which of those that can be asked is asked first: the last that answered, unless others may know more. */
  #turn = 0;
  #isClosed = false;

  constructor(brokers: readonly BrokerAddress[], settings: LinkSettings) {
    this.#bootstrap = brokers;
    this.#settings = settings;
  }

  /**
   * These topics, as known for less than `maxAgeMs`. One that does not exist is left out. Rejects when no broker answers in
   * time, or when it may not be described.
   */
  async topics(
    names: readonly string[],
    { timeoutMs, maxAgeMs = 60_000 }: { readonly timeoutMs: number; readonly maxAgeMs?: number },
  ): Promise<ReadonlyMap<string, Topic>> {
    const oldest = performance.now() - maxAgeMs;
    const isKnown = (name: string) => {
      const { at, topic } = this.#topics.get(name) ?? { at: -Infinity };
      // What was asked of another topic may have told that a leader of this one is gone.
      return at > oldest && topic?.partitions.every(({ node }) => node < 0 || this.#brokers.has(node)) === true;
    };
    if (!names.every(isKnown)) await this.#ask(names, timeoutMs);
    const found = new Map<string, Topic>();
    for (const name of names) {
      const topic = this.#topics.get(name)?.topic;
      if (topic !== undefined) found.set(name, topic);
    }
    return found;
  }

  /** Asks any broker. */
  ask<Request extends unknown[], Answer>(
    what: string,
    api: API<Request, Answer>,
    request: Request,
    timeoutMs: number,
  ): Promise<Answer> {
    return this.#anywhere(new Deadline(timeoutMs), (link, left) => link.call(what, api, request, left));
  }

  /** What is known right now. */
  known(name: string): Topic | undefined {
    return this.#topics.get(name)?.topic;
  }

  /** Asked anew before it is used again: a broker has answered that it is not so. */
  isStale(name: string): void {
    const known = this.#topics.get(name);
    if (known?.at === -Infinity) return;
    if (known !== undefined) this.#topics.set(name, { topic: known.topic, at: -Infinity });
    // One that is cut off from the others says the same again.
    this.#turn += 1;
  }

  /** The link to a broker for one purpose. Rejects nothing by itself; a broker that is not known is. */
  link(node: number, purpose: string, requestTimeoutMs = REQUEST_TIMEOUT_MS): BrokerLink {
    const address = this.#brokers.get(node);
    if (address === undefined) throw new NotSentError('The request', new Error(`broker ${node} is not known`));
    return this.#linkTo(address, purpose, requestTimeoutMs);
  }

  /** Ends the links of one purpose. */
  closeLinks(purpose: string): void {
    for (const [key, link] of this.#links) {
      if (!key.endsWith(`/${purpose}`)) continue;
      link.close();
      this.#links.delete(key);
    }
  }

  /** Asks the broker that makes topics. */
  async askController<Request extends unknown[], Answer>(
    what: string,
    api: API<Request, Answer>,
    request: Request,
    timeoutMs: number,
  ): Promise<Answer> {
    if (this.#controller < 0) await this.#ask([], timeoutMs);
    try {
      return await this.link(this.#controller, 'changes', SLOW_REQUEST_TIMEOUT_MS).call(what, api, request, timeoutMs);
    } catch (error) {
      // Another may be it by now.
      this.#controller = -1;
      throw error;
    }
  }

  controllerMoved(): void {
    this.#controller = -1;
  }

  /** Which broker keeps a group. */
  async coordinator(groupId: string, timeoutMs: number): Promise<number> {
    const deadline = new Deadline(timeoutMs);
    const what = `who coordinates ${groupId}`;
    const request: Parameters<typeof findCoordinatorV4.createRequest> = [GROUP_KEY, [groupId]];
    let found: findCoordinatorV4.FindCoordinatorResponseCoordinator | undefined;
    do {
      try {
        const ask = (link: BrokerLink, left: number) => link.call(what, findCoordinatorV4.api, request, left);
        [found] = (await this.#anywhere(deadline, ask)).coordinators;
      } catch (error) {
        // The first who asks a new cluster has to wait until the topic of all groups is made.
        if (brokerCodeOf(error) !== 'COORDINATOR_NOT_AVAILABLE' || deadline.left < PAUSE_MS) throw error;
        await elapse(PAUSE_MS);
      }
    } while (found === undefined);
    this.#brokers.set(found.nodeId, { host: found.host, port: found.port });
    return found.nodeId;
  }

  close(): void {
    this.#isClosed = true;
    for (const link of this.#links.values()) link.close();
    this.#links.clear();
  }

  /** One request at a time for the same topics. */
  #ask(names: readonly string[], timeoutMs: number): Promise<void> {
    const key = names.join();
    const asking = this.#asking.get(key);
    // Who began may have more time than whoever joins.
    const late = () =>
      new NotSentError('The request', new Error(`no broker has answered within ${Math.round(timeoutMs)} ms`));
    if (asking !== undefined) return inTime(asking, timeoutMs, late);
    const asked = this.#askNow(names, timeoutMs).finally(() => this.#asking.delete(key));
    this.#asking.set(key, asked);
    return asked;
  }

  async #askNow(names: readonly string[], timeoutMs: number): Promise<void> {
    const request: Parameters<typeof metadataV12.createRequest> = [[...names], false, false];
    const { brokers, controllerId, topics } = await this.#anywhere(new Deadline(timeoutMs), async (link, left) => {
      try {
        return await link.call('metadata', metadataV12.api, request, left);
      } catch (error) {
        const answer = answerWithin(error) as metadataV12.MetadataResponse | undefined;
        if (answer === undefined) throw error;
        return answer;
      }
    });
    const at = performance.now();
    this.#brokers = new Map(brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]));
    this.#controller = controllerId;
    for (const { errorCode, name, topicId: id, partitions } of topics) {
      if (name === null || name === undefined) continue;
      const code = nameOfCode(errorCode);
      if (code === 'UNKNOWN_TOPIC_OR_PARTITION') {
        this.#topics.delete(name);
        // Another may know it.
        this.#turn += 1;
        continue;
      }
      // One that is being made has no leaders yet.
      if (errorCode !== 0 && code !== 'LEADER_NOT_AVAILABLE') throw new BrokerError(`to describe ${name}`, code);
      else this.#topics.set(name, { topic: this.#latest({ name, id, partitions: leadersOf(partitions) }), at });
    }
    this.#dropLinks();
  }

  /** A broker may be late to learn of an election. */
  #latest(said: Topic): Topic {
    const known = this.#topics.get(said.name)?.topic;
    if (known?.id !== said.id) return said;
    const partitions = said.partitions.map((leader, partition) => {
      const former = known.partitions[partition];
      return former !== undefined && former.epoch > leader.epoch ? former : leader;
    });
    return { ...said, partitions };
  }

  /** Asks brokers in turn until one answers. */
  async #anywhere<Answer>(
    deadline: Deadline,
    ask: (link: BrokerLink, left: number) => Promise<Answer>,
  ): Promise<Answer> {
    // Those that the cluster names first: the operator may have named a balancer, or a broker that is gone.
    const addresses = distinct([...this.#brokers.values(), ...this.#bootstrap]);
    let lastError: unknown = new NotSentError('The request', new Error('the store is closed'));
    const first = this.#turn;
    for (let tried = 0; tried < addresses.length && !deadline.isOver && !this.#isClosed; tried++) {
      const turn = (first + tried) % addresses.length;
      const address = addresses[turn] as BrokerAddress;
      try {
        const isLast = tried === addresses.length - 1;
        const left = isLast ? deadline.left : Math.min(deadline.left, ASK_TIMEOUT_MS);
        const answer = await ask(this.#linkTo(address, 'shared', REQUEST_TIMEOUT_MS), left);
        this.#turn = turn;
        return answer;
      } catch (error) {
        lastError = error;
        // Whoever comes next does not wait for it again, or may hear something else from another.
        this.#turn = turn + 1;
        if (error instanceof BrokerError) break;
      }
    }
    // A question changes nothing: as long as it has no answer, nothing has happened.
    throw lastError instanceof NoAnswerError ? new NotSentError('The request', lastError) : lastError;
  }

  #linkTo(address: BrokerAddress, purpose: string, requestTimeoutMs: number): BrokerLink {
    const key = `${address.host}:${address.port}/${purpose}`;
    let link = this.#links.get(key);
    if (link === undefined) {
      link = new BrokerLink(address, this.#settings, requestTimeoutMs);
      if (this.#isClosed) link.close();
      else this.#links.set(key, link);
    }
    return link;
  }

  /** Brokers move; what nobody can mean any more is closed. */
  #dropLinks(): void {
    const addresses = [...this.#brokers.values(), ...this.#bootstrap];
    const isNamed = (link: BrokerLink) =>
      addresses.some(({ host, port }) => host === link.address.host && port === link.address.port);
    for (const [key, link] of this.#links) {
      if (isNamed(link)) continue;
      link.close();
      this.#links.delete(key);
    }
  }
}

/** The same for the same topics with the same partitions. */
export function shapeOf(topics: ReadonlyMap<string, Topic>): string {
  return [...topics].map(([name, { id, partitions }]) => `${name} ${id} ${partitions.length}`).join();
}

function distinct(addresses: readonly BrokerAddress[]): BrokerAddress[] {
  return [...new Map(addresses.map(address => [`${address.host}:${address.port}`, address])).values()];
}

function leadersOf(partitions: readonly metadataV12.MetadataResponsePartition[]): Leader[] {
  const leaders: Leader[] = [];
  for (const { partitionIndex, leaderId, leaderEpoch } of partitions) {
    leaders[partitionIndex] = { node: leaderId, epoch: leaderEpoch };
  }
  return Array.from(leaders, leader => leader ?? { node: -1, epoch: -1 });
}
