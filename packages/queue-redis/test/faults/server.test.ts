import { describeServerFaults } from '@switchyard/fault-kit';
import { redisUnderTest } from './server.ts';

describeServerFaults(redisUnderTest);
