import { createTopicsV5 } from '@platformatic/kafka';
import { setTimeout as elapse } from 'node:timers/promises';
import { type AdapterContext, QueueConfigError } from '@switchyard/queue-api';
import { USUAL_MESSAGE_BYTES } from './capabilities.ts';
import { classify } from './classify.ts';
import type { KafkaConfig } from './config.ts';
import { Deadline, inTime } from './in-time.ts';
import type { Cluster, Topic } from './kafka/cluster.ts';
import { BrokerError, nameOfCode, NotSentError } from './kafka/errors.ts';
import { answerOf } from './kafka/offsets.ts';
import type { TopicNames } from './topic-names.ts';
import { problemsOf, topicSettings } from './topic-settings.ts';

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

/** Times are the broker's: those of workers may be wrong, and brokers refuse what is too far ahead. */
const KEPT = {
  'retention.ms': '-1',
  'retention.bytes': '-1',
  'cleanup.policy': 'delete',
  'message.timestamp.type': 'LogAppendTime',
};
const LATE_TRIES = 5;
const LATE_PAUSE_MS = 200;
const BROKERS_DEFAULT = -1;
/** How long a cluster that starts may take to have enough brokers. */
const FEW_BROKERS_MS = 5000;
const PAUSE_MS = 50;
const ANSWER_MS = 5000;

/** The three topics of a queue: there, and fit for it. */
export class QueueTopics {
  readonly names: TopicNames;
  readonly #options: QueueTopicsOptions;
  #ensured: Promise<void> | undefined;
  #maxBatchBytes: number;
  #isEnsured = false;
  #wereThere = false;
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
  ensure(timeoutMs: number): Promise<void> {
    this.#ensured ??= this.#ensure(new Deadline(timeoutMs)).catch((error: unknown) => {
      this.#ensured = undefined;
      // Whatever was not answered, no job was sent.
      throw classify(error) === 'unknown-outcome' ? new NotSentError('The request', error) : error;
    });
    // Who began may have more time than whoever joins.
    const late = () => new NotSentError('The request', new Error('the topics of the queue were not found in time'));
    return this.#isEnsured ? this.#ensured : inTime(this.#ensured, timeoutMs, late);
  }

  /** Somebody has deleted one: they are looked for, and made, again. */
  forget(): void {
    this.#ensured = undefined;
    this.#isEnsured = false;
    for (const name of this.#all()) this.#options.cluster.isStale(name);
  }

  async #ensure(deadline: Deadline): Promise<void> {
    const { main, delay, dead } = this.names;
    const known = await this.#find([main, delay, dead], deadline);
    const missing = this.#missingFrom(known);
    if (missing.length > 0 && !this.#options.config.autoCreateTopics) throw this.#missing(missing);
    await this.#make([this.#mainTopic(), this.#delayTopic()], known, deadline);
    await this.#checkSettings(deadline);
    await this.#make([this.#deadTopic()], known, deadline);
    this.#fitSteps(this.#options.cluster.known(delay)?.partitions.length ?? 0);
    this.#isEnsured = true;
    this.#wereThere = true;
  }

  /** Those that are there. What was there before is looked for a few times: a broker may be late to know. */
  async #find(names: readonly string[], deadline: Deadline): Promise<ReadonlyMap<string, Topic>> {
    const { cluster } = this.#options;
    for (let tries = this.#wereThere ? LATE_TRIES : 1; ; tries--) {
      const known = await cluster.topics(names, { timeoutMs: Math.max(1, deadline.left) });
      if (tries <= 1 || deadline.isOver || names.every(name => known.has(name))) return known;
      await elapse(LATE_PAUSE_MS);
    }
  }

  /** Makes what is missing of these, and waits until it has leaders. */
  async #make(wanted: readonly WantedTopic[], known: ReadonlyMap<string, Topic>, deadline: Deadline): Promise<void> {
    const { cluster, queue } = this.#options;
    const missing = wanted.filter(({ name }) => !known.has(name));
    if (missing.length === 0) return;
    const patience = new Deadline(Math.min(deadline.left / 2, FEW_BROKERS_MS));
    while (!(await this.#create(missing, known, deadline, patience.isOver))) await elapse(LATE_PAUSE_MS);
    const names = missing.map(({ name }) => name);
    for (;;) {
      const made = await cluster.topics(names, { timeoutMs: Math.max(1, deadline.left), maxAgeMs: PAUSE_MS });
      if (names.every(name => hasLeaders(made.get(name)))) return;
      if (deadline.isOver) throw new BrokerError(`the topics of ${queue}`, 'LEADER_NOT_AVAILABLE');
      await elapse(PAUSE_MS);
    }
  }

  #all(): string[] {
    return [this.names.main, this.names.delay, this.names.dead];
  }

  /** Also those that come later: whoever makes them by hand wants to know all of them. */
  #missingFrom(known: ReadonlyMap<string, Topic>): WantedTopic[] {
    return [this.#mainTopic(), this.#delayTopic(), this.#deadTopic()].filter(({ name }) => !known.has(name));
  }

  #mainTopic(): WantedTopic {
    const { partitions } = this.#options.config;
    return { name: this.names.main, partitions, configs: { ...KEPT, ...this.#largest(1) } };
  }

  #delayTopic(): WantedTopic {
    const { delaySteps } = this.#options.config;
    return { name: this.names.delay, partitions: delaySteps.length, configs: { ...KEPT, ...this.#largest(1) } };
  }

  /** Whatever fits into the others fits in here, with what is said of it, and uncompressed. */
  #deadTopic(): WantedTopic {
    const configs = { ...KEPT, 'retention.ms': String(this.#options.deadLettersMs), ...this.#largest(2) };
    return { name: this.names.dead, partitions: 1, configs };
  }

  #largest(times: number): Readonly<Record<string, string>> {
    const { maxMessageBytes } = this.#options.config;
    if (maxMessageBytes === undefined && times === 1) return {};
    return { 'max.message.bytes': String(times * (maxMessageBytes ?? this.#maxBatchBytes)) };
  }

  /** `false`: there are too few brokers for the copies, and that is not the last word. */
  async #create(
    missing: readonly WantedTopic[],
    known: ReadonlyMap<string, Topic>,
    deadline: Deadline,
    isLast: boolean,
  ): Promise<boolean> {
    const { cluster, config, queue } = this.#options;
    const topics = missing.map(({ name, partitions, configs }) => ({
      name,
      numPartitions: partitions,
      replicationFactor: config.replicationFactor ?? BROKERS_DEFAULT,
      assignments: [],
      configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
    }));
    const left = Math.max(1, Math.round(deadline.left));
    const call = cluster.askController('to create topics', createTopicsV5.api, [topics, left, false], left);
    const answer = await answerOf<createTopicsV5.CreateTopicsResponse>(call);
    for (const { name, errorCode, errorMessage } of answer.topics) {
      const code = nameOfCode(errorCode);
      // Another process was faster.
      if (errorCode === 0 || code === 'TOPIC_ALREADY_EXISTS') continue;
      if (code === 'NOT_CONTROLLER') cluster.controllerMoved();
      const refusal = new BrokerError(`to create the topic ${name}`, code, errorMessage);
      if (code === 'INVALID_REPLICATION_FACTOR' && !isLast) return false;
      if (!/AUTHORIZATION_FAILED$|^POLICY_VIOLATION$|^INVALID_/.test(code)) throw refusal;
      throw new QueueConfigError(`${refusal.message}. ${this.#commands(this.#missingFrom(known))}`, {
        queue,
        cause: refusal,
      });
    }
    return true;
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

  /** What brokers say of the topics, where that may be read. */
  async #checkSettings(deadline: Deadline): Promise<void> {
    const { cluster, config, report, queue } = this.#options;
    const topics = [this.names.main, this.names.delay];
    const settings = await topicSettings(cluster, topics, Math.max(1, Math.min(deadline.left, ANSWER_MS)));
    for (const problem of problemsOf(settings)) {
      if (problem.isFatal) throw new QueueConfigError(problem.message, { queue });
      report({ level: 'warning', code: problem.code, message: problem.message, queue });
    }
    const sizes = [...settings.values()].map(found => Number(found.get('max.message.bytes') ?? Infinity));
    const smallest = Math.min(...sizes, Infinity);
    const wanted = config.maxMessageBytes ?? (smallest < Infinity ? smallest : USUAL_MESSAGE_BYTES);
    this.#maxBatchBytes = Math.min(wanted, smallest);
  }
}

function hasLeaders(topic: Topic | undefined): boolean {
  return topic !== undefined && topic.partitions.length > 0 && topic.partitions.every(({ node }) => node >= 0);
}
