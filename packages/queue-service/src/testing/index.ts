export { createTestQueueService } from './test-queue-service.ts';
export type { JobEnd, TestQueueService } from './test-queue-service.ts';
