import { describeServerFaults } from '@switchyard/fault-kit';
import { describe } from 'vitest';
import { kafkaUnderTest } from './server.ts';

// Each of them has a broker of its own, which takes its time to start.
describe.concurrent('a broker', () => {
  describeServerFaults(kafkaUnderTest);
});
