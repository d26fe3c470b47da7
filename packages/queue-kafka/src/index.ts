export { kafkaAdapter } from './adapter.ts';
