export { describeNetworkFaults } from './faults/broken-network.ts';
export { describeServerFaults } from './faults/restarted-server.ts';
export { describeWorkerFaults } from './describe-worker-faults.ts';
export { rounds } from './rounds.ts';
export { createScene } from './scene.ts';
export type { ServerUnderTest } from './server-under-test.ts';
export type { ServiceOptions } from './worker-process.ts';
