import { describeServerFaults } from '@switchyard/fault-kit';
import { postgresUnderTest } from './server.ts';

describeServerFaults(postgresUnderTest);
