/** First in, first out, taken in batches; the price of an item does not depend on how many wait. */
export class WaitingLine<T> implements Iterable<T> {
  #items: T[] = [];
  /** Everything before it has left. */
  #head = 0;

  get size(): number {
    return this.#items.length - this.#head;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  take(max: number): T[] {
    const taken = this.#items.slice(this.#head, this.#head + max);
    this.#head += taken.length;
    // What is moved now has been paid for by as many that left.
    if (2 * this.#head >= this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return taken;
  }

  /** Back to the head of the line, in this order. */
  putBack(items: readonly T[]): void {
    this.#items = [...items, ...this];
    this.#head = 0;
  }

  *[Symbol.iterator](): Iterator<T> {
    for (let index = this.#head; index < this.#items.length; index++) yield this.#items[index] as T;
  }
}
