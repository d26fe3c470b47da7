export { sqsAdapter } from './adapter.ts';
