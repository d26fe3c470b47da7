/** What a commit says of a partition: all below `offset` is finished, and so is what `metadata` names ahead of it. */
export interface Commit {
  readonly offset: number;
  readonly metadata: string;
}

const FINISHED = 1;
const VERSION = '1';
/** Kafka keeps up to 4096 bytes of metadata (`offset.metadata.max.bytes`): more than this is not said. */
const MOST_BITS = 22_000;

/**
 * Which records of a partition are finished. Jobs are handed out in the order of their offsets and finish in any order; what is
 * committed is the watermark, the first offset that is not finished.
 *
 *     … finished … | watermark … some finished, some not … | next … not handed out yet …
 *
 * Invariants: an offset is below the watermark only if it was finished or has no record; the watermark never goes back; an offset
 * that was finished is never handed out again, not by this ledger, and not by one that begins with its commit.
 */
export class Ledger {
  readonly topicId: string;
  /** How far `next` may be ahead of the watermark. */
  readonly #limit: number;
  /** From the watermark on, as a ring. */
  readonly #states: Uint8Array;
  readonly #mask: number;
  #watermark: number;
  #next: number;
  /** Behind the last offset that is known to be finished. */
  #end: number;
  #ahead = 0;
  #changes = 0;

  /** Goes on from `start`; `ahead` are offsets behind it that were finished under another ledger. */
  constructor(topicId: string, limit: number, start: number, ahead: readonly number[] = []) {
    this.topicId = topicId;
    this.#limit = limit;
    this.#watermark = start;
    this.#next = start;
    this.#end = start;
    const needed = Math.max(limit, (ahead.at(-1) ?? start) - start + 1);
    const size = 2 ** Math.ceil(Math.log2(needed + 1));
    this.#states = new Uint8Array(size);
    this.#mask = size - 1;
    for (const offset of ahead) this.#set(offset);
    this.#advance();
  }

  /** The first offset that is not finished. */
  get watermark(): number {
    return this.#watermark;
  }

  /** The first offset that was not handed out. */
  get next(): number {
    return this.#next;
  }

  /** How many are finished ahead of the watermark. */
  get ahead(): number {
    return this.#ahead;
  }

  /** Grows with everything that a commit would say. */
  get changes(): number {
    return this.#changes;
  }

  /** How far the work has got ahead of the first job that is not finished. */
  get span(): number {
    return this.#next - this.#watermark;
  }

  isFinished(offset: number): boolean {
    if (offset < this.#watermark) return true;
    return offset < this.#end && this.#states[offset & this.#mask] === FINISHED;
  }

  /** May the record at this offset be handed out, or does it have to wait for the one that hangs? */
  hasRoomFor(offset: number): boolean {
    return this.span === 0 || offset - this.#watermark < this.#limit;
  }

  /** The record at this offset is handed out; between the last and this one there is none. */
  open(offset: number): void {
    this.skipTo(offset);
    this.#next = offset + 1;
    if (this.#end < this.#next) this.#end = this.#next;
  }

  /** There is no record before this offset that has not been handed out. */
  skipTo(offset: number): void {
    if (offset <= this.#next) return;
    if (this.span === 0) {
      this.#jump(offset);
      return;
    }
    for (let gap = this.#next; gap < offset; gap++) this.#set(gap);
    this.#next = offset;
    this.#advance();
  }

  /** Nothing is under way: gaps may be longer than the ring. */
  #jump(offset: number): void {
    this.#changes += 1;
    for (let known = this.#watermark; this.#ahead > 0 && known < Math.min(offset, this.#end); known++) {
      if (this.#states[known & this.#mask] !== FINISHED) continue;
      this.#states[known & this.#mask] = 0;
      this.#ahead -= 1;
    }
    this.#watermark = offset;
    this.#next = offset;
    if (this.#end < offset) this.#end = offset;
    this.#advance();
  }

  finish(offset: number): void {
    this.#set(offset);
    this.#advance();
  }

  #set(offset: number): void {
    if (offset < this.#watermark || this.isFinished(offset)) return;
    if (offset - this.#watermark > this.#mask) throw new RangeError(`offset ${offset} is out of the ledger's range`);
    this.#states[offset & this.#mask] = FINISHED;
    this.#changes += 1;
    this.#ahead += 1;
    if (this.#end <= offset) this.#end = offset + 1;
  }

  /** Also over what another ledger has finished and this one never handed out: a commit cannot say of the watermark that it is. */
  #advance(): void {
    while (this.#states[this.#watermark & this.#mask] === FINISHED) {
      this.#states[this.#watermark & this.#mask] = 0;
      this.#watermark += 1;
      this.#ahead -= 1;
    }
    if (this.#next < this.#watermark) this.#next = this.#watermark;
  }

  commit(): Commit {
    const bits = this.#ahead === 0 ? '' : this.#bitmap();
    return { offset: this.#watermark, metadata: `${VERSION} ${this.topicId} ${bits}` };
  }

  /** One bit for each offset behind the watermark, which itself is not finished. */
  #bitmap(): string {
    const first = this.#watermark + 1;
    const count = Math.min(this.#end - first, MOST_BITS);
    const bytes = Buffer.alloc(Math.ceil(count / 8));
    for (let n = 0; n < count; n++) {
      if (this.#states[(first + n) & this.#mask] === FINISHED) bytes[n >> 3] = (bytes[n >> 3] ?? 0) | (1 << (n & 7));
    }
    return bytes.toString('base64');
  }
}

/** What was finished ahead of a commit; `undefined` if it is another topic's, which had the same name. */
export function finishedAhead({ offset, metadata }: Commit, topicId: string): number[] | undefined {
  const [version, id, bits = ''] = metadata.split(' ');
  // Somebody has set the offset by hand, or a later version has: that is where to go on.
  if (version !== VERSION) return [];
  if (id !== topicId) return undefined;
  const offsets: number[] = [];
  for (const [index, byte] of Buffer.from(bits, 'base64').entries()) {
    for (let bit = 0; bit < 8; bit++) if (byte & (1 << bit)) offsets.push(offset + 1 + index * 8 + bit);
  }
  return offsets;
}
