export type Direction = 'toServer' | 'toClient';

/** `silence`: a reply, and nothing more is heard of it. */
export type Dropped = 'request' | 'reply' | 'silence';

/** The next request that is meant gets lost, or the reply to it. */
export interface Drop {
  readonly isMeant: (request: Buffer) => boolean;
  readonly dropped: () => void;
}

/** What is wrong with the network at the moment. All connections of a proxy look here before they pass anything on. */
export class Faults {
  /** How much later everything arrives, each way. */
  delayMs = 0;
  #blocked: Record<Direction, PromiseWithResolvers<void> | undefined> = { toServer: undefined, toClient: undefined };
  #drops: Partial<Record<Dropped, Drop | undefined>> = {};

  block(direction: Direction): void {
    this.#blocked[direction] ??= Promise.withResolvers<void>();
  }

  /** Resolves as soon as something sent in this direction would arrive. */
  async passable(direction: Direction): Promise<void> {
    for (let gate; (gate = this.#blocked[direction]);) await gate.promise;
  }

  drop(what: Dropped, drop: Drop): void {
    this.#drops[what] = drop;
  }

  /** If this request, or the reply to it, is the one to lose: what to call once it is. Takes the fault away. */
  takeDrop(what: Dropped, request: Buffer): (() => void) | undefined {
    const drop = this.#drops[what];
    if (!drop?.isMeant(request)) return undefined;
    this.#drops[what] = undefined;
    return drop.dropped;
  }

  clear(): void {
    this.delayMs = 0;
    this.#drops = {};
    for (const direction of ['toServer', 'toClient'] as const) {
      const gate = this.#blocked[direction];
      this.#blocked[direction] = undefined;
      gate?.resolve();
    }
  }
}
