import { type Admin, AssignerProtocol, type KafkaMessage } from 'kafkajs';
import { otherClient } from './open-store.ts';

/** Kafka, as an operator looks at it with somebody else's client. */
export async function asOperator<Answer>(brokers: string, ask: (admin: Admin) => Promise<Answer>): Promise<Answer> {
  const admin = otherClient(brokers).admin();
  await admin.connect();
  try {
    return await ask(admin);
  } finally {
    await admin.disconnect();
  }
}

export interface GroupMember {
  readonly memberId: string;
  readonly clientId: string;
  /** `jobs/3`, for what ends in `.jobs`; sorted. */
  readonly partitions: readonly string[];
}

/** Who is in a group with what, by the names of the clients; `undefined` while it shares out anew. */
export async function membersOf(admin: Admin, groupId: string): Promise<Map<string, GroupMember> | undefined> {
  const { groups } = await admin.describeGroups([groupId]);
  const [group] = groups;
  if (group?.state === 'Empty' || group?.state === 'Dead') return new Map();
  if (group?.state !== 'Stable') return undefined;
  return new Map(
    group.members.map(({ memberId, clientId, memberAssignment }) => {
      const { assignment = {} } = AssignerProtocol.MemberAssignment.decode(memberAssignment) ?? {};
      const partitions = Object.entries(assignment).flatMap(([topic, those]) =>
        those.map(partition => `${topic === groupId ? 'jobs' : 'delay'}/${partition}`),
      );
      return [clientId, { memberId, clientId, partitions: partitions.toSorted() }];
    }),
  );
}

/** What a group has committed of a topic, by partition. */
export async function committedOf(admin: Admin, groupId: string, topic = groupId): Promise<Map<number, number>> {
  const [offsets] = await admin.fetchOffsets({ groupId, topics: [topic] });
  return new Map(
    offsets?.partitions.map(({ partition, offset }): [number, number] => [partition, Number(offset)]).toSorted(),
  );
}

/** Where the log of each partition begins and ends. */
export async function logOf(admin: Admin, topic: string): Promise<Map<number, { start: number; end: number }>> {
  const offsets = await admin.fetchTopicOffsets(topic);
  return new Map(offsets.map(({ partition, low, high }) => [partition, { start: Number(low), end: Number(high) }]));
}

export async function settingsOf(admin: Admin, topic: string): Promise<Map<string, string>> {
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: 2, name: topic }],
  });
  return new Map(resources[0]?.configEntries.map(({ configName, configValue }) => [configName, configValue]));
}

export type FoundRecord = KafkaMessage & { readonly partition: number };

/** The records of a topic, or those that are meant, once there are so many. */
export async function recordsOf(
  brokers: string,
  topic: string,
  count: number,
  isMeant: (record: KafkaMessage) => boolean = () => true,
): Promise<FoundRecord[]> {
  const consumer = otherClient(brokers).consumer({ groupId: `look-${crypto.randomUUID()}`, maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const found: FoundRecord[] = [];
  await new Promise<void>((resolve, reject) => {
    consumer
      .run({
        async eachMessage({ partition, message }) {
          if (isMeant(message)) found.push({ ...message, partition });
          if (found.length >= count) resolve();
        },
      })
      .catch(reject);
    consumer.on('consumer.crash', ({ payload }) => reject(payload.error));
  });
  await consumer.disconnect();
  return found;
}

/** Names and values of headers, as they lie there, one after the other. */
export function headersOf({ headers = {} }: KafkaMessage): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}

/** Puts something there that did not come from us. */
export async function sendByHand(
  brokers: string,
  topic: string,
  messages: readonly {
    readonly key?: Buffer | string | null;
    readonly value: Buffer | string | null;
    readonly headers?: Record<string, Buffer | string>;
    readonly partition?: number;
  }[],
  compression = 0,
): Promise<void> {
  const producer = otherClient(brokers).producer();
  await producer.connect();
  await producer.send({ topic, acks: -1, compression, messages: [...messages] });
  await producer.disconnect();
}
