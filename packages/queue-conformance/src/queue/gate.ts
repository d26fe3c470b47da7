/** Holds handlers until a case opens it. */
export class Gate {
  readonly passed: Promise<void>;
  #open: (() => void) | undefined;

  constructor() {
    this.passed = new Promise(resolve => {
      this.#open = resolve;
    });
  }

  open(): void {
    this.#open?.();
  }
}
