import { createSpecializedBackend } from '@backstage/backend-app-api';
import { lifecycleServiceFactory } from '@backstage/backend-defaults/lifecycle';
import { loggerServiceFactory } from '@backstage/backend-defaults/logger';
import { rootLifecycleServiceFactory } from '@backstage/backend-defaults/rootLifecycle';
import {
  coreServices,
  createBackendPlugin,
  createServiceFactory,
  type BackendFeature,
  type LoggerService,
} from '@backstage/backend-plugin-api';
import { ConfigReader } from '@backstage/config';
import type { QueueService } from '@switchyard/queue-api';
import { queueServiceRef } from '@switchyard/queue-api/backstage';
import type { JsonObject } from '@backstage/types';

/** One line of the backend's log; `plugin` is absent for the backend itself. */
export interface LogLine {
  level: string;
  message: string;
  plugin?: string;
}

/** A Backstage backend with what the queue needs, wired by Backstage itself, but without its web server. */
export async function startBackend({ queue = {}, features }: { queue?: JsonObject; features: BackendFeature[] }) {
  const log: LogLine[] = [];
  const logger = (labels: { plugin?: string }): LoggerService => {
    const write = (level: string) => (message: string) => void log.push({ level, message, ...labels });
    return {
      debug: write('debug'),
      info: write('info'),
      warn: write('warn'),
      error: write('error'),
      child: ({ plugin }) => logger(typeof plugin === 'string' ? { plugin } : labels),
    };
  };
  const backend = createSpecializedBackend({
    defaultServiceFactories: [
      rootLifecycleServiceFactory,
      lifecycleServiceFactory,
      loggerServiceFactory,
      createServiceFactory({ service: coreServices.rootLogger, deps: {}, factory: () => logger({}) }),
      createServiceFactory({
        service: coreServices.rootConfig,
        deps: {},
        factory: () => new ConfigReader({ backend: { queue } }),
      }),
    ],
  });
  for (const feature of features) backend.add(feature);
  await backend.start();
  return { log, stop: () => backend.stop() };
}

/** A plugin that does nothing but call `init` with its queues. */
export function pluginWithQueues(pluginId: string, init: (queues: QueueService) => Promise<void>): BackendFeature {
  return createBackendPlugin({
    pluginId,
    register(env) {
      env.registerInit({ deps: { queues: queueServiceRef }, init: ({ queues }) => init(queues) });
    },
  });
}
