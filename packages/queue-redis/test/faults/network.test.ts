import { describeNetworkFaults } from '@switchyard/fault-kit';
import { redisUnderTest } from './server.ts';

describeNetworkFaults(redisUnderTest);
