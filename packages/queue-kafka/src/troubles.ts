interface Trouble {
  readonly since: number;
  at: number;
  error: unknown;
}

/** Before it is said that something does not work, somebody else may have begun to do it. */
const PATIENCE_MS = 3000;
/** What has not failed again for so long is not even tried any more. */
const FORGET_MS = 15_000;

/** What fails at the moment, by the name of what is done. */
export class Troubles<Activity extends string> {
  readonly #troubles = new Map<Activity, Trouble>();

  failed(activity: Activity, error: unknown): void {
    const at = performance.now();
    const trouble = this.#troubles.get(activity);
    if (trouble === undefined) this.#troubles.set(activity, { since: at, at, error });
    else Object.assign(trouble, { at, error });
  }

  /** It works, or is not done any more. */
  over(activity: Activity): void {
    this.#troubles.delete(activity);
  }

  /** The error of something that has not worked for a while, and still does not. */
  get lasting(): unknown {
    const now = performance.now();
    for (const [activity, { since, at, error }] of this.#troubles) {
      if (now - at > FORGET_MS) this.#troubles.delete(activity);
      else if (now - since > PATIENCE_MS) return error;
    }
    return undefined;
  }
}
