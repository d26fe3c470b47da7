import { coreServices as backstageServices } from '@backstage/backend-plugin-api';
import { createServiceFactory } from '@backstage/backend-plugin-api';
import type { QueueAdapter, QueueService } from '@switchyard/queue-api';
import { coreServices, queueAdaptersServiceRef, queueServiceRef } from '@switchyard/queue-api/backstage';
import { describe, expect, expectTypeOf, it } from 'vitest';

describe('coreServices', () => {
  it("has all of Backstage's and the queue", () => {
    expect(coreServices).toMatchObject(backstageServices);
    expect(coreServices.queue).toBe(queueServiceRef);
  });

  it('keeps the types', () => {
    expectTypeOf(coreServices.database).toEqualTypeOf(backstageServices.database);
    expectTypeOf(coreServices.rootConfig).toEqualTypeOf(backstageServices.rootConfig);
    expectTypeOf(coreServices.queue.T).toEqualTypeOf<QueueService>();
  });
});

describe('queueServiceRef', () => {
  it("answers the id of Backstage's proposal, once per plugin", () => {
    expect(queueServiceRef).toMatchObject({ id: 'core.queue', scope: 'plugin', multiton: false });
  });
});

describe('queueAdaptersServiceRef', () => {
  it('takes any number of adapters, each from a factory of its own', () => {
    expect(queueAdaptersServiceRef).toMatchObject({ scope: 'root', multiton: true });
    const natsAdapter: QueueAdapter<{ servers: string[] }> = {
      contract: 1,
      store: 'nats',
      config: { '~standard': { version: 1, vendor: 'test', validate: () => ({ value: { servers: [] } }) } },
      connect: () => Promise.reject(new Error('not called')),
    };
    const factory = createServiceFactory({ service: queueAdaptersServiceRef, deps: {}, factory: () => natsAdapter });
    expect(factory.service).toBe(queueAdaptersServiceRef);
  });
});
