import { describeWorkerFaults } from '@switchyard/fault-kit';
import { capabilitiesFor } from '../../src/capabilities.ts';
import { MESSAGE_BYTES } from '../../src/limits.ts';
import { ownPlace } from './place.ts';

describeWorkerFaults(ownPlace, capabilitiesFor(MESSAGE_BYTES));
