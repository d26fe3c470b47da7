import { ConfigResourceTypes, createTopicsV5, describeConfigsV4 } from '@platformatic/kafka';
import { setTimeout as elapse } from 'node:timers/promises';
import { type AdapterContext, QueueConfigError } from '@switchyard/queue-api';
import { USUAL_MESSAGE_BYTES } from './capabilities.ts';
import type { KafkaConfig } from './config.ts';
import { Deadline } from './in-time.ts';
import type { Cluster, Topic } from './kafka/cluster.ts';
import { BrokerError, nameOfCode } from './kafka/errors.ts';
import { answerOf } from './kafka/offsets.ts';
import type { TopicNames } from './topic-names.ts';

export interface QueueTopicsOptions {
  readonly cluster: Cluster;
  readonly names: TopicNames;
  readonly queue: string;
  readonly config: Pick<
    KafkaConfig,
    'autoCreateTopics' | 'partitions' | 'replicationFactor' | 'delaySteps' | 'maxMessageBytes'
  >;
  /** How long dead letters are kept. */
  readonly deadLettersMs: number;
  readonly report: AdapterContext['report'];
}

interface WantedTopic {
  readonly name: string;
  readonly partitions: number;
  readonly configs: Readonly<Record<string, string>>;
}

const KEPT = { 'retention.ms': '-1', 'retention.bytes': '-1', 'cleanup.policy': 'delete' };
const STAMPED = { ...KEPT, 'message.timestamp.type': 'LogAppendTime' };
const BROKERS_DEFAULT = -1;
const PAUSE_MS = 50;
const ANSWER_MS = 5000;

/** The three topics of a queue: there, and fit for it. */
export class QueueTopics {
  readonly names: TopicNames;
  readonly #options: QueueTopicsOptions;
  #ensured: Promise<void> | undefined;
  #maxBatchBytes: number;
  #delaySteps: readonly number[];

  constructor(options: QueueTopicsOptions) {
    this.names = options.names;
    this.#options = options;
    this.#maxBatchBytes = options.config.maxMessageBytes ?? USUAL_MESSAGE_BYTES;
    this.#delaySteps = options.config.delaySteps;
  }

  /** The most that a batch may have, which a single record is too. */
  get maxBatchBytes(): number {
    return this.#maxBatchBytes;
  }

  /** Those that there is a partition for. */
  get delaySteps(): readonly number[] {
    return this.#delaySteps;
  }

  /** Which of the steps a job waits in that has so much left: the largest that is not longer. */
  stepFor(waitMs: number): number {
    return Math.max(
      0,
      this.#delaySteps.findLastIndex(step => step <= waitMs),
    );
  }

  /** Resolves once the topics are there. A failure is not remembered. */
  async ensure(timeoutMs: number): Promise<void> {
    this.#ensured ??= this.#ensure(new Deadline(timeoutMs)).catch((error: unknown) => {
      this.#ensured = undefined;
      throw error;
    });
    return this.#ensured;
  }

  /** Somebody has deleted one: they are looked for, and made, again. */
  forget(): void {
    this.#ensured = undefined;
    for (const name of this.#all()) this.#options.cluster.isStale(name);
  }

  async #ensure(deadline: Deadline): Promise<void> {
    const { cluster, config } = this.#options;
    const wanted = this.#wanted();
    let known = await cluster.topics(this.#all(), { timeoutMs: deadline.left });
    const missing = wanted.filter(({ name }) => !known.has(name));
    if (missing.length > 0) {
      if (!config.autoCreateTopics) throw this.#missing(missing);
      await this.#create(missing, deadline);
    }
    while (!wanted.every(({ name }) => hasLeaders(known.get(name)))) {
      if (deadline.isOver) throw new BrokerError(`the topics of ${this.#options.queue}`, 'LEADER_NOT_AVAILABLE');
      await elapse(PAUSE_MS);
      known = await cluster.topics(this.#all(), { timeoutMs: Math.max(1, deadline.left), maxAgeMs: PAUSE_MS });
    }
    this.#fitSteps(known.get(this.names.delay)?.partitions.length ?? 0);
    await this.#checkConfigs(deadline);
  }

  #all(): string[] {
    return [this.names.main, this.names.delay, this.names.dead];
  }

  #wanted(): WantedTopic[] {
    const { config, deadLettersMs } = this.#options;
    const { partitions, delaySteps, maxMessageBytes } = config;
    const largest = maxMessageBytes === undefined ? {} : { 'max.message.bytes': String(maxMessageBytes) };
    const dead = {
      ...KEPT,
      'retention.ms': String(deadLettersMs),
      // Whatever fits into the others fits in here, with what is said of it, and uncompressed.
      'max.message.bytes': String(2 * (maxMessageBytes ?? USUAL_MESSAGE_BYTES)),
    };
    return [
      { name: this.names.main, partitions, configs: { ...STAMPED, ...largest } },
      { name: this.names.delay, partitions: delaySteps.length, configs: { ...STAMPED, ...largest } },
      { name: this.names.dead, partitions: 1, configs: dead },
    ];
  }

  async #create(missing: readonly WantedTopic[], deadline: Deadline): Promise<void> {
    const { cluster, config, queue } = this.#options;
    const topics = missing.map(({ name, partitions, configs }) => ({
      name,
      numPartitions: partitions,
      replicationFactor: config.replicationFactor ?? BROKERS_DEFAULT,
      assignments: [],
      configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
    }));
    const left = Math.max(1, Math.round(deadline.left));
    const link = await cluster.controller(left);
    const call = link.call('to create topics', createTopicsV5.api, [topics, left, false], left);
    const answer = await answerOf<createTopicsV5.CreateTopicsResponse>(call);
    for (const { name, errorCode, errorMessage } of answer.topics) {
      const code = nameOfCode(errorCode);
      // Another process was faster.
      if (errorCode === 0 || code === 'TOPIC_ALREADY_EXISTS') continue;
      if (code === 'NOT_CONTROLLER') cluster.controllerMoved();
      const refusal = new BrokerError(`to create the topic ${name}`, code, errorMessage);
      if (!/AUTHORIZATION_FAILED$|^POLICY_VIOLATION$|^INVALID_/.test(code)) throw refusal;
      throw new QueueConfigError(`${refusal.message}. ${this.#commands(missing)}`, { queue, cause: refusal });
    }
  }

  #missing(topics: readonly WantedTopic[]): QueueConfigError {
    const { queue } = this.#options;
    const names = topics.map(({ name }) => name).join(', ');
    const message = `Kafka does not have ${names}, and kafka.autoCreateTopics is false. ${this.#commands(topics)}`;
    return new QueueConfigError(message, { queue });
  }

  #commands(topics: readonly WantedTopic[]): string {
    const { replicationFactor } = this.#options.config;
    const factor = replicationFactor === undefined ? '' : ` --replication-factor ${replicationFactor}`;
    const commands = topics.map(({ name, partitions, configs }) => {
      const settings = Object.entries(configs).map(([key, value]) => ` --config ${key}=${value}`);
      return `kafka-topics.sh --bootstrap-server <broker> --create --topic ${name} --partitions ${partitions}${factor}${settings.join('')}`;
    });
    return `Create what is missing with:\n${commands.join('\n')}`;
  }

  /** A topic that somebody else made may have fewer partitions than there are steps. */
  #fitSteps(partitions: number): void {
    const { config, report, queue } = this.#options;
    this.#delaySteps = config.delaySteps.slice(0, partitions);
    if (partitions >= config.delaySteps.length) return;
    const message = `${this.names.delay} has ${partitions} partitions, and kafka.delaySteps has ${config.delaySteps.length} steps: those above ${this.#delaySteps.at(-1)} ms are not used, so that long delays hop more often. Add partitions to it`;
    report({ level: 'warning', code: 'delay-partitions', message, queue });
  }

  /** Where they may be read: what would lose jobs is told, and what would refuse them. */
  async #checkConfigs(deadline: Deadline): Promise<void> {
    const { cluster, config, report, queue } = this.#options;
    const keys = ['max.message.bytes', 'retention.ms', 'retention.bytes', 'cleanup.policy'];
    const resources = [this.names.main, this.names.delay].map(resourceName => ({
      resourceType: ConfigResourceTypes.TOPIC,
      resourceName,
      configurationKeys: keys,
    }));
    const left = Math.max(1, Math.min(deadline.left, ANSWER_MS));
    const link = await cluster.controller(left);
    const call = link.call('the settings of topics', describeConfigsV4.api, [resources, false, false], left);
    const { results } = await answerOf<describeConfigsV4.DescribeConfigsResponse>(call);
    let smallest = Infinity;
    for (const { errorCode, resourceName, configs } of results) {
      if (errorCode !== 0) continue;
      const settings = new Map(configs.map(({ name, value }) => [name, value]));
      smallest = Math.min(smallest, Number(settings.get('max.message.bytes') ?? Infinity));
      const warn = (code: string, message: string) => report({ level: 'warning', code, message, queue });
      if (/compact/.test(settings.get('cleanup.policy') ?? '')) {
        const message = `The topic ${resourceName} has cleanup.policy=${settings.get('cleanup.policy')}: Kafka would throw records away that are still needed. Set it to delete`;
        throw new QueueConfigError(message, { queue });
      }
      for (const key of ['retention.ms', 'retention.bytes']) {
        const kept = settings.get(key) ?? '-1';
        if (Number(kept) < 0) continue;
        warn(
          `${key.replace('.', '-')}-set`,
          `${resourceName} has ${key}=${kept}: Kafka deletes jobs that still wait then. Set it to -1`,
        );
      }
    }
    if (config.maxMessageBytes === undefined && smallest < Infinity) this.#maxBatchBytes = smallest;
    else this.#maxBatchBytes = Math.min(this.#maxBatchBytes, smallest);
  }
}

function hasLeaders(topic: Topic | undefined): boolean {
  return topic !== undefined && topic.partitions.length > 0 && topic.partitions.every(({ node }) => node >= 0);
}
