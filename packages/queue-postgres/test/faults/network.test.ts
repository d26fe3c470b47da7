import { describeNetworkFaults } from '@switchyard/fault-kit';
import { postgresUnderTest } from './server.ts';

describeNetworkFaults(postgresUnderTest);
