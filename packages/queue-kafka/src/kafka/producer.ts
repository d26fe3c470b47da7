import { Deadline } from '../in-time.ts';
import type { BrokerClocks } from './broker-clocks.ts';
import type { Cluster } from './cluster.ts';
import { BrokerError, NoAnswerError, nameOfCode, NotSentError } from './errors.ts';
import { type Parcel, parcelsOf, topicsOf } from './parcel.ts';
import { type ProducedPartition, produceV9 } from './raw-apis.ts';
import { Sequences } from './sequences.ts';
import { type Batch, type BatchError, newShipment, type Shipment, UnwellError } from './shipment.ts';
import { verdictOf } from './verdict.ts';
import { Wellbeing } from './wellbeing.ts';

/** Of one attempt: a leader that is silent is not the leader for long. */
const ATTEMPT_MS = 5000;
const REQUEST_TIMEOUT_MS = 8000;
const PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 500;
/** A leader that says nothing for so long is not well. */
const SLOW_MS = 1000;
/** A broker that has just started may not know of all topics. */
const GONE_MS = 2000;

/**
 * The one producer of a process, `acks=all`. A partition has one batch under way, and those that wait for it stand in line, so that
 * brokers get them in the order of their numbers, whatever is tried again. What is at the head of its line leaves together with the
 * others that go to the same leader, whoever gave it to us.
 *
 * It tries again until the deadline, and a broker that has a batch already does not store it twice. What nobody knows the outcome of
 * at the end is a `NoAnswerError`. What may be stored already is sent again on a connection of its own: its answer may take long, and
 * brokers work on the requests of a connection one after the other.
 *
 * A partition whose leader refuses, is gone or is silent is not well for a while. Batches that can go elsewhere, and that have
 * certainly not been stored, are given back at once.
 */
export class Producer {
  readonly #cluster: Cluster;
  readonly #clocks: BrokerClocks;
  readonly #sequences: Sequences;
  /** For each partition the batches that want to go there; the first is under way, or will be. */
  readonly #lines = new Map<string, Shipment[]>();
  readonly #wellbeing: Wellbeing;
  /** These have a number and a leader. */
  #ready: Shipment[] = [];
  #isAwake = false;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(cluster: Cluster, clocks: BrokerClocks) {
    this.#cluster = cluster;
    this.#clocks = clocks;
    this.#sequences = new Sequences(cluster);
    this.#wellbeing = new Wellbeing(cluster);
  }

  /** Never rejects. */
  produce(batch: Batch, timeoutMs: number): Promise<BatchError> {
    return new Promise(resolve => {
      const shipment = newShipment(batch, error => {
        clearTimeout(timer);
        resolve(error);
      });
      const timer = setTimeout(() => this.#timeUp(shipment), timeoutMs);
      this.#lineUp(shipment);
      this.#wake();
    });
  }

  /** Whether a partition takes batches, as far as we know. */
  isWell(topic: string, partition: number): boolean {
    return this.#wellbeing.isWell(topic, partition);
  }

  /** Nothing is sent any more, and whoever waits learns it. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const shipment of [...this.#lines.values()].flat()) this.#timeUp(shipment);
  }

  #lineUp(shipment: Shipment): void {
    if (this.#isClosed) {
      this.#end(shipment, new NotSentError('A produce', new Error('the store is closed')));
      return;
    }
    const line = this.#lines.get(shipment.place);
    if (line === undefined) this.#lines.set(shipment.place, [shipment]);
    else line.push(shipment);
  }

  #wake(): void {
    if (this.#isAwake) return;
    this.#isAwake = true;
    queueMicrotask(() => {
      this.#isAwake = false;
      this.#begin();
    });
  }

  #wakeAt(time: number): void {
    clearTimeout(this.#timer);
    if (time === Infinity || this.#isClosed) return;
    this.#timer = setTimeout(() => this.#wake(), Math.max(1, time - performance.now()));
  }

  /** An attempt for the head of each line. */
  #begin(): void {
    const now = performance.now();
    let next = Infinity;
    let isAnyHeldBack = false;
    const going: Shipment[] = [];
    const heads = [...this.#lines.values()].map(([head]) => head);
    for (const head of heads) {
      if (head === undefined || head.isUnderWay) continue;
      if (head.notBefore <= now && this.#isHeldBack(head)) {
        head.notBefore = now + LONGEST_PAUSE_MS;
        isAnyHeldBack = true;
      }
      if (head.isOver) {
        this.#leaveLine(head);
        continue;
      }
      if (head.notBefore > now) {
        next = Math.min(next, head.notBefore);
        continue;
      }
      head.isUnderWay = true;
      going.push(head);
    }
    for (const [topic, those] of Map.groupBy(going, ({ batch }) => batch.topic)) void this.#prepare(topic, those);
    if (isAnyHeldBack) this.#makeWay();
    this.#wakeAt(next);
  }

  /** Whether it is not to go now: it waits, or it was given up. */
  #isHeldBack(shipment: Shipment): boolean {
    const may = shipment.batch.mayGo?.() ?? 'now';
    if (may === 'now') return false;
    if (may === 'later' && shipment.isInDoubt) {
      // Those behind it need not wait.
      this.#wellbeing.partitionFailed(shipment.batch);
      return true;
    }
    const why = new NotSentError('A produce', new Error('the jobs may be those of another worker by now'));
    if (shipment.isInDoubt) this.#endInDoubt(shipment, shipment.error);
    else this.#end(shipment, why);
    return true;
  }

  /** Finds out who leads, and under which numbers the batches go. */
  async #prepare(topic: string, heads: readonly Shipment[]): Promise<void> {
    const attempt = new Deadline(ATTEMPT_MS);
    try {
      await this.#cluster.topics([topic], { timeoutMs: attempt.left });
      for (const head of heads) head.state ??= await this.#sequences.stateFor(head.place, Math.max(1, attempt.left));
    } catch (error) {
      for (const head of heads) this.#notSent(head, error);
      this.#ended(heads);
      return;
    }
    // Those of other topics that become ready in this turn come along.
    if (this.#ready.length === 0) queueMicrotask(() => this.#ship());
    this.#ready.push(...heads);
  }

  /** Sends what is ready, in as many requests as there are leaders. */
  #ship(): void {
    const ready = this.#ready;
    this.#ready = [];
    const going: { node: number; shipment: Shipment }[] = [];
    const left: Shipment[] = [];
    for (const shipment of ready) {
      // It may have taken long to get ready.
      const isHeldBack = shipment.isOver || this.#isHeldBack(shipment);
      const node = isHeldBack ? -1 : this.#leaderOf(shipment);
      if (node < 0) left.push(shipment);
      else going.push({ node, shipment });
    }
    for (const parcel of parcelsOf(going)) void this.#send(parcel);
    if (left.length > 0) this.#ended(left);
  }

  /** -1: nobody, which is noted. */
  #leaderOf(shipment: Shipment): number {
    const { topic, partition } = shipment.batch;
    const known = this.#cluster.known(topic)?.partitions[partition];
    if (known === undefined) {
      this.#gone(shipment);
      return -1;
    }
    shipment.goneSince = undefined;
    if (known.node < 0) {
      this.#cluster.isStale(topic);
      const leaderless = new Error(`partition ${partition} of ${topic} has no leader`);
      this.#notSent(shipment, new NotSentError('A produce', leaderless));
    }
    return known.node;
  }

  async #send({ node, isAgain, contents }: Parcel): Promise<void> {
    const shipments = contents.map(({ shipment }) => shipment);
    for (const shipment of shipments) shipment.isSent = true;
    const slow = setTimeout(() => {
      this.#wellbeing.leaderFailed(node);
      this.#makeWay();
    }, SLOW_MS);
    let answer: readonly ProducedPartition[];
    try {
      const link = this.#cluster.link(node, isAgain ? 'produce again' : 'produce', REQUEST_TIMEOUT_MS);
      answer = await link.call('a produce', produceV9, [ATTEMPT_MS, topicsOf(contents)], ATTEMPT_MS);
      this.#wellbeing.leaderAnswered(node);
      for (const shipment of shipments) {
        const { topic, partition } = shipment.batch;
        const said = answer.find(part => part.topic === topic && part.partition === partition);
        // The answer to a repetition may have the time of whoever led before.
        if (said?.errorCode === 0 && !shipment.isInDoubt) this.#clocks.heard(node, said.logAppendTimeMs);
        this.#answered(shipment, said);
      }
    } catch (error) {
      this.#wellbeing.leaderFailed(node);
      for (const shipment of shipments) {
        this.#cluster.isStale(shipment.batch.topic);
        if (error instanceof NotSentError) this.#notSent(shipment, error);
        else this.#doubt(shipment, error as Error);
      }
    } finally {
      clearTimeout(slow);
      this.#ended(shipments);
    }
  }

  #answered(shipment: Shipment, said: ProducedPartition | undefined): void {
    const { batch, place, state } = shipment;
    const code = said === undefined ? 'UNKNOWN_SERVER_ERROR' : nameOfCode(said.errorCode);
    const verdict = verdictOf(code, shipment.isInDoubt);
    if (verdict === 'stored') {
      if (state !== undefined) this.#sequences.stored(place, state, batch.records.length);
      this.#wellbeing.partitionTook(batch);
      this.#end(shipment, undefined);
      return;
    }
    if (verdict === 'not-yet' || verdict === 'in-doubt') this.#wellbeing.partitionFailed(batch);
    const refusal = new BrokerError(`a produce to ${batch.topic}`, code, said?.errorMessage ?? missingRight(code));
    if (verdict === 'in-doubt') {
      this.#cluster.isStale(batch.topic);
      // One that was never appended has no offset in the answer.
      const wasAppended = state !== undefined || said === undefined || said.baseOffset >= 0;
      if (wasAppended) this.#doubt(shipment, refusal);
      else shipment.error = refusal;
    } else if (verdict === 'out-of-step') {
      this.#sequences.begin();
      // Under another number a broker that has it would store it again.
      if (shipment.isInDoubt) this.#endInDoubt(shipment, refusal);
      else Object.assign(shipment, { state: undefined, error: new NotSentError('A produce', refusal) });
    } else if (verdict === 'not-yet') {
      this.#cluster.isStale(batch.topic);
      if (!shipment.isInDoubt) shipment.error = refusal;
    } else if (shipment.isInDoubt) {
      this.#endInDoubt(shipment, refusal);
    } else {
      this.#end(shipment, refusal);
    }
  }

  /** This attempt has stored nothing. */
  #notSent(shipment: Shipment, error: unknown): void {
    // One that is in doubt stays so.
    if (shipment.isInDoubt) return;
    // What was refused is refused the next time, too.
    if (error instanceof BrokerError) this.#end(shipment, error);
    else shipment.error = error instanceof NotSentError ? error : new NotSentError('A produce', error);
  }

  /** There is no such partition. */
  #gone(shipment: Shipment): void {
    const { topic } = shipment.batch;
    const now = performance.now();
    this.#cluster.isStale(topic);
    shipment.goneSince ??= now;
    if (shipment.isInDoubt) {
      // Whoever takes that for a new start would store it twice, should it be there after all.
      if (now - shipment.goneSince < GONE_MS) return;
      // And it may have the batch: another one must not have its number.
      this.#sequences.begin();
    }
    this.#end(shipment, new BrokerError(`a produce to ${topic}`, 'UNKNOWN_TOPIC_OR_PARTITION'));
  }

  /** Sent again under the same number, or, where brokers do not know us by any, not again. */
  #doubt(shipment: Shipment, error: Error): void {
    shipment.isInDoubt = true;
    if (shipment.state === undefined) this.#endInDoubt(shipment, error);
    else shipment.error = error;
  }

  #endInDoubt(shipment: Shipment, cause: BatchError): void {
    this.#sequences.begin();
    this.#end(shipment, cause instanceof NoAnswerError ? cause : new NoAnswerError('a produce', cause));
  }

  #end(shipment: Shipment, error: BatchError): void {
    shipment.isOver = true;
    this.#tell(shipment, error);
  }

  #tell(shipment: Shipment, error: BatchError): void {
    if (shipment.isTold) return;
    shipment.isTold = true;
    shipment.tell(error);
  }

  /** Whoever waits for it waits no longer. What is in a request keeps its place in the line until that has ended. */
  #timeUp(shipment: Shipment): void {
    if (shipment.isOver) return;
    const { isSent, isInDoubt, error } = shipment;
    if (isSent || isInDoubt) {
      const cause = error ?? new Error('there was no time to wait longer');
      this.#tell(shipment, cause instanceof NoAnswerError ? cause : new NoAnswerError('a produce', cause));
    } else {
      this.#tell(shipment, error ?? new NotSentError('A produce', new Error('no time was left')));
    }
    if (!isSent) this.#abandon(shipment);
  }

  /** Nobody waits for it any more. */
  #abandon(shipment: Shipment): void {
    if (shipment.isInDoubt) this.#endInDoubt(shipment, shipment.error);
    shipment.isOver = true;
    this.#leaveLine(shipment);
  }

  /** An attempt is over: those that it has brought to an end make way, the others try again. */
  #ended(shipments: readonly Shipment[]): void {
    for (const shipment of shipments) {
      shipment.isUnderWay = false;
      shipment.isSent = false;
      if (shipment.isTold && !shipment.isOver) this.#abandon(shipment);
      if (shipment.isOver) {
        this.#leaveLine(shipment);
        continue;
      }
      shipment.notBefore = performance.now() + Math.min(PAUSE_MS * 2 ** shipment.tries, LONGEST_PAUSE_MS);
      shipment.tries += 1;
    }
    if (shipments.some(({ isOver }) => !isOver)) this.#makeWay();
    this.#wake();
  }

  /** What waits for a partition that is not well, and can go elsewhere, goes back to whoever knows where. */
  #makeWay(): void {
    for (const shipment of [...this.#lines.values()].flat()) {
      const { batch, place, isUnderWay, isInDoubt, error } = shipment;
      if (isUnderWay || isInDoubt || this.isWell(batch.topic, batch.partition) || batch.canMove?.() !== true) continue;
      this.#end(shipment, new UnwellError('A produce', error ?? new Error(`${place} is not well`)));
      this.#leaveLine(shipment);
    }
  }

  #leaveLine(shipment: Shipment): void {
    const line = this.#lines.get(shipment.place);
    const index = line?.indexOf(shipment) ?? -1;
    if (line === undefined || index < 0) return;
    line.splice(index, 1);
    if (line.length === 0) this.#lines.delete(shipment.place);
    else if (index === 0) this.#wake();
  }
}

function missingRight(code: string): string | undefined {
  return code === 'TOPIC_AUTHORIZATION_FAILED' ? 'allow Write on the topic' : undefined;
}
