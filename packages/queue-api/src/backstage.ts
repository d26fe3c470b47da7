import { createRequire } from 'node:module';
import { join } from 'node:path';
import {
  coreServices as backstageServices,
  createServiceRef,
  type ServiceFactory,
  type ServiceRef,
} from '@backstage/backend-plugin-api';
import type { QueueAdapter } from './adapter.ts';
import { QueueConfigError } from './errors.ts';
import type { QueueService } from './queue-service.ts';

/**
 * The queues of a plugin. Names are the plugin's own: two plugins that both call a queue `emails` have two queues
 * (rule 3).
 *
 * Works without a line in the backend as long as `@switchyard/queue-service` is installed; otherwise the plugin fails
 * to start with a `QueueConfigError` that says so. A backend that adds `@switchyard/queue-service/backstage` decides
 * for all plugins.
 */
export const queueServiceRef: ServiceRef<QueueService, 'plugin', 'singleton'> = createServiceRef<QueueService>({
  // The id that Backstage itself proposes for a queue: where it ever ships one, an application can have only one.
  id: 'core.queue',
  scope: 'plugin',
  defaultFactory: loadQueueServiceFactory,
});

/** Backstage's own `coreServices` with `queue` added: change the import, keep `coreServices.queue`. */
export const coreServices: Omit<typeof backstageServices, 'queue'> & { readonly queue: typeof queueServiceRef } = {
  ...backstageServices,
  queue: queueServiceRef,
};

/**
 * Where a third party's store joins: each factory for it adds one adapter to those that `backend.queue` can name.
 *
 * ```ts
 * export default createServiceFactory({ service: queueAdaptersServiceRef, deps: {}, factory: () => natsAdapter });
 * ```
 */
export const queueAdaptersServiceRef: ServiceRef<QueueAdapter, 'root', 'multiton'> = createServiceRef<QueueAdapter>({
  id: 'switchyard.queue.adapters',
  scope: 'root',
  multiton: true,
});

/** Typed `string`, so that nothing but the running program ever asks for the package: this one does not depend on it. */
const QUEUE_SERVICE: string = '@switchyard/queue-service/backstage';

async function loadQueueServiceFactory(): Promise<ServiceFactory> {
  // Where packages are not hoisted (pnpm), this one sees only its own dependencies. The application has the queue
  // service, so it is asked as well: by its folder, then by the script that was started.
  const application = [join(process.cwd(), 'package.json'), ...process.argv.slice(1, 2)];
  const loaders = [() => import(QUEUE_SERVICE), ...application.map(file => () => createRequire(file)(QUEUE_SERVICE))];
  for (const load of loaders) {
    try {
      return (await load()).default;
    } catch (error) {
      if (!saysNotInstalled(error)) throw error;
    }
  }
  throw new QueueConfigError(
    'A plugin depends on the queue service, which is not installed. Run `npm install @switchyard/queue-service` in the backend package',
  );
}

/** Is the package itself missing, rather than something that it needs? Both have the same code. */
function saysNotInstalled(error: unknown): boolean {
  return error instanceof Error && /^Cannot find (package|module) '@switchyard\/queue-service[/']/.test(error.message);
}
