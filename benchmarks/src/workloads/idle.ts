import type { Workload } from '../workload.ts';

const SECONDS = 10;

/** What a worker with nothing to do costs this process. */
export const idle: Workload = {
  name: 'idle',
  async run(subject) {
    subject.process(async () => {}, { concurrency: 10 });
    await new Promise(resolve => void setTimeout(resolve, 1000));
    const before = process.cpuUsage();
    await new Promise(resolve => void setTimeout(resolve, SECONDS * 1000));
    const { user, system } = process.cpuUsage(before);
    return [{ name: `${SECONDS} s idle`, unit: 'CPU ms', value: (user + system) / 1000 }];
  },
};
