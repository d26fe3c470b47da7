import { isQueueError, QueueConfigError, QueueUnavailableError, StoreError } from '@switchyard/queue-api';
import { classify, isQueueMissing } from './classify.ts';
import { inTime } from './in-time.ts';
import { RETENTION_MS } from './limits.ts';
import type { QueuePlace, SqsApi } from './sqs-api.ts';

export interface QueueFinderOptions {
  readonly api: SqsApi;
  readonly name: string;
  /** Where it is, if somebody has said so. */
  readonly url: string | undefined;
  readonly autoCreate: boolean;
  readonly region: string;
}

/** Three of these fit into the time that opening a queue may take. */
const REQUEST_TIMEOUT_MS = 4000;

const ACTIONS =
  'who adds jobs needs sqs:GetQueueUrl and sqs:SendMessage, who works needs sqs:ReceiveMessage, sqs:DeleteMessage, sqs:ChangeMessageVisibility and sqs:GetQueueAttributes as well';

/**
 * Finds a queue, once, and makes it if it is missing and `autoCreate` says so. Looking comes first: whoever may not create
 * queues can use those that are there.
 */
export class QueueFinder {
  readonly #options: QueueFinderOptions;
  #place: Promise<QueuePlace> | undefined;

  constructor(options: QueueFinderOptions) {
    this.#options = options;
  }

  place(): Promise<QueuePlace> {
    if (this.#place !== undefined) return this.#place;
    const found = this.#find();
    this.#place = found;
    // A failure is not remembered.
    found.catch(() => this.#forget(found));
    return found;
  }

  /** Rejects with `not-stored` after so long: nothing was asked of a queue that was not found. */
  async placeWithin(timeoutMs: number): Promise<QueuePlace> {
    try {
      return await inTime('GetQueueUrl', timeoutMs, this.place());
    } catch (error) {
      if (classify(error) !== 'unknown-outcome') throw error;
      const message = `The queue ${this.#options.name} could not be found in time`;
      throw new QueueUnavailableError('not-stored', message, { cause: error });
    }
  }

  /** A request has failed: if because the queue is gone, it is looked for again the next time. */
  failed(error: unknown): void {
    if (isQueueMissing(error)) this.#place = undefined;
  }

  #forget(place: Promise<QueuePlace>): void {
    if (this.#place === place) this.#place = undefined;
  }

  async #find(): Promise<QueuePlace> {
    const { api, name, url, autoCreate } = this.#options;
    if (url !== undefined) return { name, url };
    try {
      return { name, url: await api.urlOf(name, REQUEST_TIMEOUT_MS) };
    } catch (error) {
      if (!isQueueMissing(error)) throw error;
      if (!autoCreate) throw this.#missing(error);
      return { name, url: await this.#create() };
    }
  }

  async #create(): Promise<string> {
    const { api, name } = this.#options;
    const retention = String(RETENTION_MS / 1000);
    try {
      return await api.create(name, { MessageRetentionPeriod: retention }, REQUEST_TIMEOUT_MS);
    } catch (error) {
      // Somebody was faster, with other attributes.
      if (error instanceof Error && /QueueNameExists|QueueAlreadyExists/.test(error.name)) {
        return api.urlOf(name, REQUEST_TIMEOUT_MS);
      }
      if (!isQueueError(error, 'denied')) throw error;
      const message = `${this.#whatIsMissing()}, and this process may not create it: ${error.message}. Create it, and set sqs.autoCreate to false`;
      throw new StoreError('denied', message, { cause: error });
    }
  }

  #missing(cause: unknown): QueueConfigError {
    const message = `${this.#whatIsMissing()}, or these credentials may not see it, and sqs.autoCreate is false. Create it with a retention of 14 days; ${ACTIONS}`;
    return new QueueConfigError(message, { cause });
  }

  #whatIsMissing(): string {
    return `There is no queue ${this.#options.name} in the region ${this.#options.region}`;
  }
}
