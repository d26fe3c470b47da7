import { describeServerFaults } from '@switchyard/fault-kit';
import { sqsUnderTest } from './server.ts';

describeServerFaults(sqsUnderTest);
