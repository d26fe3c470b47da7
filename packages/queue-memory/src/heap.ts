/** What a heap writes into its entries. */
export interface HeapEntry {
  /** Where the entry is in its heap: how it is found again without a search. -1 when it is in none. */
  slot: number;
}

/**
 * A binary heap that can also give up an entry from its middle, in O(log n) like everything else: nothing is left
 * behind to be skipped later, so its size is what it holds. An entry is in one heap at a time.
 */
export class Heap<T extends HeapEntry> {
  readonly #isBefore: (a: T, b: T) => boolean;
  readonly #entries: T[] = [];

  constructor(isBefore: (a: T, b: T) => boolean) {
    this.#isBefore = isBefore;
  }

  get size(): number {
    return this.#entries.length;
  }

  /** The first in order, which stays. */
  get first(): T | undefined {
    return this.#entries[0];
  }

  has(entry: T): boolean {
    return this.#entries[entry.slot] === entry;
  }

  push(entry: T): void {
    this.#rise(entry, this.#entries.length);
  }

  /** Takes out the first in order. */
  pop(): T | undefined {
    const first = this.#entries[0];
    if (first !== undefined) this.delete(first);
    return first;
  }

  /** Takes out an entry that is in this heap. */
  delete(entry: T): void {
    const gap = entry.slot;
    entry.slot = -1;
    const last = this.#entries.pop();
    // The last entry rarely belongs near the top: looking for its place from the bottom saves half of the comparisons.
    if (last !== undefined && last !== entry) this.#rise(last, this.#sinkGap(gap));
  }

  /** Puts an entry of this heap in its place after what it is ordered by has changed. */
  update(entry: T): void {
    this.delete(entry);
    this.push(entry);
  }

  /** Moves the better child up into the gap, again and again, until the gap has no children. */
  #sinkGap(start: number): number {
    const entries = this.#entries;
    let gap = start;
    for (let child = 2 * gap + 1; child < entries.length; child = 2 * gap + 1) {
      const right = child + 1;
      if (right < entries.length && this.#isBefore(entries[right]!, entries[child]!)) child = right;
      this.#set(gap, entries[child]!);
      gap = child;
    }
    return gap;
  }

  /** Puts `entry` into the gap at `start`, or above it. */
  #rise(entry: T, start: number): void {
    let gap = start;
    while (gap > 0) {
      const above = (gap - 1) >> 1;
      const parent = this.#entries[above]!;
      if (!this.#isBefore(entry, parent)) break;
      this.#set(gap, parent);
      gap = above;
    }
    this.#set(gap, entry);
  }

  #set(slot: number, entry: T): void {
    this.#entries[slot] = entry;
    entry.slot = slot;
  }
}
