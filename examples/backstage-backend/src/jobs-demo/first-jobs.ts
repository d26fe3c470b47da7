import type { Queue } from '@switchyard/queue-api';
import type { ReportJob } from './write-report.ts';

/** Something to watch right after the start. */
export async function addFirstJobs(jobs: Queue<ReportJob>): Promise<void> {
  // Pausing is only for show: it lets all of them wait before the first is picked up, so that priorities matter.
  await jobs.pause();
  await jobs.add({ title: 'A simple report' });
  await jobs.add({ title: 'A report in three seconds' }, { delay: 3000 });
  await jobs.addBulk([
    { payload: { title: 'An unimportant report' }, options: { priority: 30 } },
    { payload: { title: 'An urgent report' }, options: { priority: 1 } },
  ]);
  await jobs.add({ title: 'A report that always fails', fails: true });
  await jobs.resume();
}
