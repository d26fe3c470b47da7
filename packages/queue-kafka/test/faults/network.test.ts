import { describeNetworkFaults } from '@switchyard/fault-kit';
import { testServer } from '@switchyard/test-servers';
import { describe } from 'vitest';
import { kafkaUnderTest } from './server.ts';

await testServer('kafka');

// Each of them has a proxy of its own.
describe.concurrent('a network', () => {
  describeNetworkFaults(kafkaUnderTest);
});
