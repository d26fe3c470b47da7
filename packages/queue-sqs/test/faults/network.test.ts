import { describeNetworkFaults } from '@switchyard/fault-kit';
import { sqsUnderTest } from './server.ts';

describeNetworkFaults(sqsUnderTest);
