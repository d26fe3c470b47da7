import {
  type BatchResultErrorEntry,
  ChangeMessageVisibilityBatchCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  type Message,
  type QueueAttributeName,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { type Outcome, StoreError } from '@switchyard/queue-api';
import { AnswerAge } from './answer-age.ts';
import { CallTimeoutError, classify, codeOf } from './classify.ts';
import { serverTimeOf } from './client.ts';
import type { OutgoingMessage } from './message.ts';

/** What an IAM policy allows or denies, without the `sqs:` in front. */
export type Action =
  | 'SendMessage'
  | 'ReceiveMessage'
  | 'DeleteMessage'
  | 'ChangeMessageVisibility'
  | 'GetQueueUrl'
  | 'GetQueueAttributes'
  | 'CreateQueue';

/** A queue where it lies. */
export interface QueuePlace {
  readonly name: string;
  readonly url: string;
}

export interface PollRequest {
  readonly max: number;
  readonly visibilitySeconds: number;
  readonly waitSeconds: number;
}

export interface PollAnswer {
  readonly messages: readonly Message[];
  /** When it was given, by the clock of SQS, rounded down to seconds. 0 if it does not say. */
  readonly serverTime: number;
  /** How long ago it was given, in ms, at least. */
  readonly ageMs: number;
}

interface BatchAnswer {
  readonly Failed?: readonly BatchResultErrorEntry[] | undefined;
  readonly Successful?: readonly { readonly Id: string | undefined }[] | undefined;
}

const OK: Outcome = Object.freeze({ ok: true });
const UNANSWERED: Outcome = Object.freeze({
  ok: false,
  code: 'unknown-outcome',
  message: 'SQS said nothing about this entry',
});
/** A poll that is silent for so long after its end will bring nothing that others have not been given by then. */
const POLL_OVERDUE_MS = 30_000;

/**
 * The requests that are made of SQS: each settles within its deadline, and one that IAM denies rejects with an error that
 * names the action. Batches have at most ten entries, and are answered entry by entry.
 */
export class SqsApi {
  readonly #client: SQSClient;
  readonly #age = new AnswerAge();

  constructor(client: SQSClient) {
    this.#client = client;
  }

  async send({ url, name }: QueuePlace, messages: readonly OutgoingMessage[], timeoutMs: number): Promise<Outcome[]> {
    const Entries = messages.map(({ body, attributes, delaySeconds }, index) => ({
      Id: String(index),
      MessageBody: body,
      MessageAttributes: { ...attributes },
      // Also where it is 0: a queue may have a delay of its own.
      DelaySeconds: delaySeconds,
    }));
    const command = new SendMessageBatchCommand({ QueueUrl: url, Entries });
    const answer = await this.#call('SendMessage', name, timeoutMs, abortSignal =>
      this.#client.send(command, { abortSignal }),
    );
    return outcomesOf(messages.length, answer, 'SendMessage', name);
  }

  async delete({ url, name }: QueuePlace, handles: readonly string[], timeoutMs: number): Promise<Outcome[]> {
    const Entries = handles.map((ReceiptHandle, index) => ({ Id: String(index), ReceiptHandle }));
    const command = new DeleteMessageBatchCommand({ QueueUrl: url, Entries });
    const answer = await this.#call('DeleteMessage', name, timeoutMs, abortSignal =>
      this.#client.send(command, { abortSignal }),
    );
    return outcomesOf(handles.length, answer, 'DeleteMessage', name);
  }

  async changeVisibility(
    { url, name }: QueuePlace,
    changes: readonly { readonly handle: string; readonly seconds: number }[],
    timeoutMs: number,
  ): Promise<Outcome[]> {
    const Entries = changes.map(({ handle, seconds }, index) => ({
      Id: String(index),
      ReceiptHandle: handle,
      VisibilityTimeout: seconds,
    }));
    const command = new ChangeMessageVisibilityBatchCommand({ QueueUrl: url, Entries });
    const answer = await this.#call('ChangeMessageVisibility', name, timeoutMs, abortSignal =>
      this.#client.send(command, { abortSignal }),
    );
    return outcomesOf(changes.length, answer, 'ChangeMessageVisibility', name);
  }

  /** Never aborted while it could bring a message: SQS would keep that from everybody for as long as it was asked to. */
  async receive({ url, name }: QueuePlace, request: PollRequest): Promise<PollAnswer> {
    const { max, visibilitySeconds, waitSeconds } = request;
    const command = new ReceiveMessageCommand({
      QueueUrl: url,
      MaxNumberOfMessages: max,
      VisibilityTimeout: visibilitySeconds,
      WaitTimeSeconds: waitSeconds,
      MessageAttributeNames: ['All'],
      MessageSystemAttributeNames: ['ApproximateReceiveCount', 'SentTimestamp', 'ApproximateFirstReceiveTimestamp'],
    });
    const answer = await this.#call('ReceiveMessage', name, waitSeconds * 1000 + POLL_OVERDUE_MS, abortSignal =>
      this.#client.send(command, { abortSignal }),
    );
    const serverTime = serverTimeOf(answer);
    return { messages: answer.Messages ?? [], serverTime, ageMs: this.#age.of(serverTime) };
  }

  async urlOf(name: string, timeoutMs: number): Promise<string> {
    const command = new GetQueueUrlCommand({ QueueName: name });
    const { QueueUrl = '' } = await this.#call('GetQueueUrl', name, timeoutMs, abortSignal =>
      this.#client.send(command, { abortSignal }),
    );
    return QueueUrl;
  }

  async create(name: string, Attributes: Record<string, string>, timeoutMs: number): Promise<string> {
    const command = new CreateQueueCommand({ QueueName: name, Attributes });
    const { QueueUrl = '' } = await this.#call('CreateQueue', name, timeoutMs, abortSignal =>
      this.#client.send(command, { abortSignal }),
    );
    return QueueUrl;
  }

  async attributes<Name extends QueueAttributeName>(
    { url, name }: QueuePlace,
    names: readonly Name[],
    timeoutMs: number,
  ): Promise<Partial<Record<Name, string>>> {
    const command = new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: [...names] });
    const { Attributes = {} } = await this.#call('GetQueueAttributes', name, timeoutMs, abortSignal =>
      this.#client.send(command, { abortSignal }),
    );
    return Attributes;
  }

  destroy(): void {
    this.#client.destroy();
  }

  async #call<Answer extends object>(
    action: Action,
    queue: string,
    timeoutMs: number,
    send: (signal: AbortSignal) => Promise<Answer>,
  ): Promise<Answer> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const ending = new AbortController();
    const timer = setTimeout(() => {
      // First, so that the reason is ours. The request itself may also hang where no signal is heard: in a provider of
      // credentials.
      reject(new CallTimeoutError(action, timeoutMs));
      ending.abort();
    }, timeoutMs);
    try {
      const answer = await Promise.race([send(ending.signal), late]);
      this.#age.note(serverTimeOf(answer));
      return answer;
    } catch (error) {
      if (classify(error) !== 'denied') throw error;
      throw new StoreError('denied', deniedMessage(action, queue, (error as Error).message), { cause: error });
    } finally {
      clearTimeout(timer);
    }
  }
}

function deniedMessage(action: Action, queue: string, said: string): string {
  return `AWS denies sqs:${action} on the queue ${queue}: allow it in the IAM policy, or check the credentials (${said})`;
}

function outcomesOf(
  count: number,
  { Successful = [], Failed = [] }: BatchAnswer,
  action: Action,
  queue: string,
): Outcome[] {
  const outcomes = Array.from({ length: count }, () => UNANSWERED);
  for (const { Id } of Successful) outcomes[Number(Id)] = OK;
  for (const entry of Failed) outcomes[Number(entry.Id)] = failureOf(entry, action, queue);
  return outcomes;
}

function failureOf(
  { Code = '', Message = '', SenderFault }: BatchResultErrorEntry,
  action: Action,
  queue: string,
): Outcome {
  // What is the sender's fault is as wrong the next time; what is not may be over by then.
  const code = codeOf(Code, Message) ?? (SenderFault === false ? 'unavailable' : 'rejected');
  const said = Message === '' ? Code : `${Code}: ${Message}`;
  return { ok: false, code, message: code === 'denied' ? deniedMessage(action, queue, said) : said };
}
