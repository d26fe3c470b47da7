/** Below this, moving the rest up costs more than the gap it would close. */
const SMALLEST_GAP = 64;

/** First in, first out, at a constant price; `Array.shift` moves everything that is behind. */
export class Fifo<T extends object> {
  #items: (T | undefined)[] = [];
  /** Everything before it has left. */
  #head = 0;

  get size(): number {
    return this.#items.length - this.#head;
  }

  get first(): T | undefined {
    return this.#items[this.#head];
  }

  get last(): T | undefined {
    return this.#items.at(-1);
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    const item = this.#items[this.#head];
    if (item === undefined) return undefined;
    this.#items[this.#head++] = undefined;
    // Half of it is gap: what is moved now has been paid for by as many shifts.
    if (this.#head >= SMALLEST_GAP && 2 * this.#head >= this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}
