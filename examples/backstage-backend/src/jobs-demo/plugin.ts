import { createBackendPlugin } from '@backstage/backend-plugin-api';
import { coreServices } from '@switchyard/queue-api/backstage';
import { addFirstJobs } from './first-jobs.ts';
import { openReports } from './reports.ts';
import { createRouter } from './router.ts';
import { writeReport, type ReportJob } from './write-report.ts';

/** Writes reports in the background. */
export default createBackendPlugin({
  pluginId: 'jobs-demo',
  register(env) {
    env.registerInit({
      deps: {
        queue: coreServices.queue,
        logger: coreServices.logger,
        database: coreServices.database,
        httpRouter: coreServices.httpRouter,
        discovery: coreServices.discovery,
        lifecycle: coreServices.lifecycle,
      },
      async init({ queue, logger, database, httpRouter, discovery, lifecycle }) {
        const reports = await openReports(database);

        const jobs = await queue.getQueue<ReportJob>('reports', {
          maxAttempts: 3,
          dlqHandler: (job, error) => {
            logger.error(`${job.payload.title}: given up after ${job.attempt} attempts: ${error.message}`);
          },
        });

        jobs.process(
          async (job, { signal }) => {
            const { title } = job.payload;
            logger.info(`${title}: attempt ${job.attempt} started`);
            const text = await writeReport(job.payload, signal);
            await reports.save(job.id, title, text);
            logger.info(`${title}: finished, saved in the database`);
          },
          { concurrency: 2 },
        );

        jobs.on('retrying', ({ error, delayMs }) => {
          logger.warn(`${error.message}: next attempt in ${(delayMs / 1000).toFixed(1)} s`);
        });

        httpRouter.use(createRouter({ service: queue, jobs, reports }));
        httpRouter.addAuthPolicy({ path: '/', allow: 'unauthenticated' });

        lifecycle.addStartupHook(async () => {
          const url = await discovery.getBaseUrl('jobs-demo');
          const post = `curl -X POST ${url}/jobs -H 'content-type: application/json' -d`;
          logger.info(`add a job:        ${post} '{"title":"Taxes","takesMs":5000}'`);
          logger.info(`one that fails:   ${post} '{"title":"Taxes","fails":true}'`);
          logger.info(`jobs not done:    curl ${url}/jobs/count`);
          logger.info(`reports written:  curl ${url}/reports`);
          logger.info(`queue health:     curl ${url}/health`);
          logger.info(`stop gracefully:  Ctrl-C or kill ${process.pid}; running jobs finish first`);
          await addFirstJobs(jobs);
        });
      },
    });
  },
});
