export type {
  BulkJob,
  DLQHandler,
  Job,
  JobContext,
  JobOptions,
  ProcessHandler,
  ProcessOptions,
  Queue,
  QueueOptions,
} from './queue.ts';
export type { QueueService } from './queue-service.ts';
export type { QueueEvents } from './events.ts';
export type { HealthError, QueueHealth, QueueServiceHealth, QueueState } from './health.ts';
export type { StandardSchemaV1 } from './standard-schema.ts';
export {
  BulkAddError,
  InvalidArgumentError,
  InvalidPayloadError,
  InvalidStateError,
  isQueueError,
  JobCrashedError,
  JobTimeoutError,
  LeaseLostError,
  PayloadTooLargeError,
  QueueConfigError,
  QueueError,
  QueueShutdownError,
  QueueUnavailableError,
  StoreError,
  UnreadableJobError,
  UnsupportedOptionError,
} from './errors.ts';
export type { QueueErrorCode, QueueErrorDetails, QueueErrorsByCode } from './errors.ts';
export { ADAPTER_CONTRACT } from './adapter.ts';
export type {
  AdapterContext,
  AdapterReport,
  Delivery,
  ExchangeRequest,
  ExchangeResult,
  JobCounts,
  JobDelivery,
  NewJob,
  Outcome,
  QueueAdapter,
  QueueName,
  QueueToOpen,
  QueueStore,
  Receipt,
  ReserveRequest,
  Settlement,
  StoreQueue,
  UnreadableDelivery,
} from './adapter.ts';
export type { StoreCapabilities } from './capabilities.ts';
