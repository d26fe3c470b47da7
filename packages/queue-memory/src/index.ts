export { createMemoryAdapter, memoryAdapter } from './adapter.ts';
export type { Clock } from './clock.ts';
