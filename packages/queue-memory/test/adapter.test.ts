import { QueueUnavailableError } from '@switchyard/queue-api';
import { createMemoryAdapter, memoryAdapter } from '@switchyard/queue-memory';
import { describe, expect, it } from 'vitest';
import { adapterContext, openTestQueue } from './test-queue.ts';

describe('the adapter', () => {
  it('states its contract and its store', () => {
    expect(memoryAdapter).toMatchObject({ contract: 1, store: 'memory' });
    expect(createMemoryAdapter()).toMatchObject({ contract: 1, store: 'memory' });
  });

  it.each([[undefined], [{}]])('accepts %j as its section of the configuration', async section => {
    expect(await memoryAdapter.config['~standard'].validate(section)).toEqual({ value: section });
  });

  it('refuses every key, at its path', async () => {
    const { issues } = await memoryAdapter.config['~standard'].validate({ maxJobs: 5 });
    expect(issues).toEqual([
      expect.objectContaining({ path: ['maxJobs'], message: 'Unknown key: the memory store has no settings' }),
    ]);
  });

  it.each([[null], [42], ['on'], [true], [[]], [[1]]])('refuses %j as a section', async section => {
    const { issues } = await memoryAdapter.config['~standard'].validate(section);
    expect(issues).toHaveLength(1);
  });

  it('makes a store of its own with every connection', async () => {
    const one = await openTestQueue();
    const other = await (await memoryAdapter.connect(undefined, adapterContext())).open({ plugin: '', name: 'queue' });
    await one.add({});
    expect(await other.counts()).toMatchObject({ waiting: 0 });
  });
});

describe('the store', () => {
  it('says that it is neither durable nor shared', async () => {
    const { store } = await openTestQueue();
    expect(store.capabilities).toMatchObject({ durable: false, shared: false, counts: 'exact', priority: 'strict' });
  });

  it('classifies its own errors, and no others, as something that may pass', async () => {
    const { store } = await openTestQueue();
    expect(store.classify(new QueueUnavailableError('not-stored', 'closed'))).toBe('unavailable');
    for (const thrown of [new Error('?'), Object.assign(new Error('?'), { code: 'unavailable' }), 'text', null]) {
      expect(store.classify(thrown)).toBe('rejected');
    }
  });
});
