import { isQueueError, type Queue, type QueueService } from '@switchyard/queue-api';
import express, { type ErrorRequestHandler } from 'express';
import Router from 'express-promise-router';
import type { Reports } from './reports.ts';
import type { ReportJob } from './write-report.ts';

export function createRouter({
  service,
  jobs,
  reports,
}: {
  service: QueueService;
  jobs: Queue<ReportJob>;
  reports: Reports;
}) {
  const router = Router();
  router.use(express.json());

  router.post('/jobs', async (req, res) => {
    const { title = 'Untitled', takesMs, fails, delay, priority } = req.body;
    const id = await jobs.add({ title, takesMs, fails }, { delay, priority });
    res.status(202).json({ id });
  });

  router.get('/jobs/count', async (_req, res) => {
    res.json({ count: await jobs.getJobCount() });
  });

  router.get('/reports', async (_req, res) => {
    res.json(await reports.list());
  });

  router.get('/health', (_req, res) => {
    const health = service.health();
    res.status(health.healthy ? 200 : 503).json(health);
  });

  router.use(explainRefusal);
  return router;
}

const explainRefusal: ErrorRequestHandler = (error, _req, res, next) => {
  if (!isQueueError(error, 'invalid-argument')) return next(error);
  res.status(400).json({ error: error.message });
};
