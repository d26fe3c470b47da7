export { redisAdapter } from './adapter.ts';
