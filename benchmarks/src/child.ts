// One contestant, one workload, one fresh process: nobody's garbage is collected on somebody else's time.
import { STORES } from './stores.ts';
import { workloadsFor } from './workloads/index.ts';

/** Where a workload asks for no other number. */
const PARTITIONS = 6;

const [store = '', contestantName, workloadName] = process.argv.slice(2);
const contestant = STORES[store]?.find(({ name }) => name === contestantName);
const workload = workloadsFor(store).find(({ name }) => name === workloadName);
if (contestant === undefined || workload === undefined) throw new Error(`unknown: ${process.argv.slice(2).join(' ')}`);

const subject = await contestant.open({ partitions: workload.partitions ?? PARTITIONS });
const measures = await workload.run(subject);
await subject.close();
process.stdout.write(JSON.stringify(measures));
