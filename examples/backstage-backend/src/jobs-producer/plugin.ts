import { createBackendPlugin } from '@backstage/backend-plugin-api';
import { coreServices } from '@switchyard/queue-api/backstage';
import express from 'express';
import Router from 'express-promise-router';

/** Only adds jobs. They wait, however long it takes, until an instance of this plugin calls `process`. */
export default createBackendPlugin({
  pluginId: 'jobs-producer',
  register(env) {
    env.registerInit({
      deps: {
        queue: coreServices.queue,
        httpRouter: coreServices.httpRouter,
      },
      async init({ queue, httpRouter }) {
        const audit = await queue.getQueue<{ action: string }>('audit');

        const router = Router();
        router.use(express.json());
        router.post('/audit', async (req, res) => {
          res.status(202).json({ id: await audit.add({ action: String(req.body.action) }) });
        });
        router.get('/audit/count', async (_req, res) => {
          res.json({ count: await audit.getJobCount() });
        });

        httpRouter.use(router);
        httpRouter.addAuthPolicy({ path: '/', allow: 'unauthenticated' });
      },
    });
  },
});
