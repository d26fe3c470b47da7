export { createQueueService } from './create-queue-service.ts';
export type { ClosableQueueService, QueueServiceOptions } from './create-queue-service.ts';
export { QueueManager } from './queue-manager.ts';
export type { ConfigReader, QueueManagerOptions } from './queue-manager.ts';
export type { Logger } from './engine/reporter.ts';
export type { DurationInput } from './config/lenient.ts';
export type { AnyAdapter } from './stores/load-adapter.ts';
