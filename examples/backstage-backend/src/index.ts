import { createBackend } from '@backstage/backend-defaults';

const backend = createBackend();

backend.add(import('@switchyard/queue-service/backstage'));

backend.add(import('./jobs-demo/plugin.ts'));
backend.add(import('./jobs-producer/plugin.ts'));

await backend.start();
