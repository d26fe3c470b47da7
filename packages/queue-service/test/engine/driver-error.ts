import type { QueueErrorCode } from '@switchyard/queue-api';

/** What the scripted driver throws: `classify` answers its code. */
export class DriverError extends Error {
  readonly code: QueueErrorCode;

  constructor(code: QueueErrorCode) {
    super(`scripted: ${code}`);
    this.code = code;
  }
}
