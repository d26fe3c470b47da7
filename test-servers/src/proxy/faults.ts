export type Direction = 'toServer' | 'toClient';

/** What is wrong with the network at the moment. All connections of a proxy look here before they pass anything on. */
export class Faults {
  /** How much later everything arrives, each way. */
  delayMs = 0;
  #blocked: Record<Direction, PromiseWithResolvers<void> | undefined> = { toServer: undefined, toClient: undefined };
  #drop: { request: string; dropped: () => void } | undefined;

  block(direction: Direction): void {
    this.#blocked[direction] ??= Promise.withResolvers<void>();
  }

  /** Resolves as soon as something sent in this direction would arrive. */
  async passable(direction: Direction): Promise<void> {
    for (let gate; (gate = this.#blocked[direction]);) await gate.promise;
  }

  /** `dropped` is called once the reply to the next request that contains `request` is lost. */
  dropReply(request: string, dropped: () => void): void {
    this.#drop = { request, dropped };
  }

  /** If the reply to this request is the one to lose: what to call once it is. Takes the fault away. */
  takeDrop(request: Buffer): (() => void) | undefined {
    if (!this.#drop || !request.includes(this.#drop.request)) return undefined;
    const { dropped } = this.#drop;
    this.#drop = undefined;
    return dropped;
  }

  clear(): void {
    this.delayMs = 0;
    this.#drop = undefined;
    for (const direction of ['toServer', 'toClient'] as const) {
      const gate = this.#blocked[direction];
      this.#blocked[direction] = undefined;
      gate?.resolve();
    }
  }
}
