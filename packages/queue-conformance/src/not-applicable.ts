/** Thrown by a case that has found out, while running, that it is not about this store. */
export class NotApplicable extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'NotApplicable';
  }
}
