import { describeWorkerFaults } from '@switchyard/fault-kit';
import { ownPlace } from './place.ts';

describeWorkerFaults(ownPlace);
