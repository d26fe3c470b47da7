import {
  coreServices,
  createServiceFactory,
  type RootLifecycleService,
  type ServiceFactory,
} from '@backstage/backend-plugin-api';
import type { QueueService } from '@switchyard/queue-api';
import { queueAdaptersServiceRef, queueServiceRef } from '@switchyard/queue-api/backstage';
import { QueueManager } from '../queue-manager.ts';

/**
 * The queue service of a Backstage backend, configured by `backend.queue`.
 *
 * ```ts
 * backend.add(import('@switchyard/queue-service/backstage'));
 * ```
 *
 * At SIGTERM and `backend.stop()` all queues stop picking up jobs and running handlers get `shutdownTimeout` to finish,
 * while everything they use, their plugin's database above all, still works; connections close afterwards (rule 24).
 */
export const queueServiceFactory: ServiceFactory<QueueService, 'plugin', 'singleton'> = createServiceFactory({
  service: queueServiceRef,
  deps: {
    config: coreServices.rootConfig,
    rootLogger: coreServices.rootLogger,
    rootLifecycle: coreServices.rootLifecycle,
    adapters: queueAdaptersServiceRef,
    plugin: coreServices.pluginMetadata,
    logger: coreServices.logger,
  },
  async createRootContext({ config, rootLogger, rootLifecycle, adapters }) {
    const manager = QueueManager.fromConfig(config, { logger: rootLogger.child({ service: 'queue' }), adapters });
    await manager.ready();
    closeWith(rootLifecycle, manager);
    return manager;
  },
  factory({ plugin, logger }, manager) {
    return manager.forPlugin(plugin.getId(), { logger });
  },
});

export default queueServiceFactory;

function closeWith(lifecycle: RootLifecycleService, manager: QueueManager): void {
  // Shutdown hooks run side by side, so a handler that drained in one would race the hook that closes its database.
  lifecycle.addBeforeShutdownHook(() => manager.drain());
  lifecycle.addShutdownHook(() => manager.shutdown());
}
