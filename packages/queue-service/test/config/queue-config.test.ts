import { isQueueError } from '@switchyard/queue-api';
import { describe, expect, it } from 'vitest';
import { parseQueueConfig, processesQueue } from '../../src/config/queue-config.ts';

const parse = (input: unknown, prefix = 'backend.queue') => parseQueueConfig(input, prefix);

function refusal(input: unknown, prefix?: string): string {
  try {
    parse(input, prefix);
  } catch (error) {
    if (isQueueError(error, 'invalid-config')) return error.message;
    throw error;
  }
  throw new Error('it was accepted');
}

describe('the configuration', () => {
  it.each([undefined, null, {}])('has a default for everything: %j', input => {
    expect(parse(input)).toEqual({
      prefix: 'backend.queue',
      defaultStore: 'memory',
      defaultConcurrency: 1,
      maxAttempts: 5,
      leaseDuration: 30_000,
      addTimeout: 10_000,
      shutdownTimeout: 15_000,
      process: true,
      unsupportedOptions: 'warn',
      adapters: [],
      deadLetters: { maxAge: 30 * 86_400_000, maxCount: 10_000 },
      sections: {},
    });
  });

  it('takes numbers and booleans as text, as ${ENV} yields them', () => {
    expect(
      parse({ defaultConcurrency: '4', maxAttempts: ' 3 ', process: 'no', deadLetters: { maxCount: '0' } }),
    ).toMatchObject({ defaultConcurrency: 4, maxAttempts: 3, process: false, deadLetters: { maxCount: 0 } });
  });

  it.each([
    ['true', true],
    ['yes', true],
    ['Y', true],
    ['1', true],
    ['on', true],
    ['FALSE', false],
    ['no', false],
    ['n', false],
    ['0', false],
    ['off', false],
  ])('reads %j as a boolean, as Backstage does', (text, value) => {
    expect(parse({ process: text }).process).toBe(value);
  });

  it.each<[unknown, number]>([
    [1500, 1500],
    ['1500', 1500],
    ['1500.5', 1501],
    [0.1 + 1500, 1501],
    ['30s', 30_000],
    ['15 minutes', 900_000],
    ['PT30S', 30_000],
    ['P1D', 86_400_000],
    [{ seconds: 30 }, 30_000],
    [{ minutes: 1, seconds: 30 }, 90_000],
    [{ days: 1 }, 86_400_000],
    [{ milliseconds: 250 }, 250],
    [{ seconds: '30' }, 30_000],
  ])('reads %j as a duration', (written, ms) => {
    expect(parse({ leaseDuration: written }).leaseDuration).toBe(ms);
  });

  it.each<[string, unknown, RegExp]>([
    ['defaultStore', '', /defaultStore/],
    ['defaultStore', 5, /expected the name of a store/],
    ['defaultConcurrency', 0, /expected a whole number ≥ 1/],
    ['defaultConcurrency', 1.5, /expected a whole number/],
    ['defaultConcurrency', 'many', /expected a whole number/],
    ['maxAttempts', '0', /≥ 1/],
    ['maxAttempts', null, /whole number/],
    ['leaseDuration', 99, /at least 100 ms/],
    ['leaseDuration', 'soon', /expected milliseconds or a duration/],
    ['leaseDuration', {}, /expected milliseconds or a duration/],
    ['leaseDuration', { fortnights: 1 }, /expected milliseconds or a duration/],
    ['leaseDuration', [1], /expected milliseconds or a duration/],
    ['leaseDuration', NaN, /expected milliseconds or a duration/],
    ['addTimeout', 0, /at least 1 ms/],
    ['addTimeout', true, /expected milliseconds or a duration/],
    ['shutdownTimeout', -1, /at least 0 ms/],
    ['process', 'perhaps', /expected true, false/],
    ['process', { include: 'a' }, /expected true, false/],
    ['process', { include: [], exclude: [] }, /expected true, false/],
    ['unsupportedOptions', 'ignore', /expected 'warn' or 'error'/],
    ['adapters', '@acme/queue-nats', /expected a list/],
  ])('refuses %s: %j, naming the key', (key, value, message) => {
    const refused = refusal({ [key]: value });
    expect(refused).toContain(`backend.queue.${key}: `);
    expect(refused).toMatch(message);
    expect(refusal({ [key]: value }, '')).toContain(` ${key}: `);
  });

  it('names every wrong key, however deep', () => {
    const refused = refusal({ maxAttempts: 0, deadLetters: { maxCount: -1, maxage: 1 }, adapters: [1] });
    for (const key of ['maxAttempts', 'deadLetters.maxCount', 'deadLetters.maxage', 'adapters.0']) {
      expect(refused).toContain(`backend.queue.${key}: `);
    }
  });

  it.each(['redis', 5, [], true])('refuses what is no object at all: %j', input => {
    expect(refusal(input)).toMatch(/backend\.queue: /);
    expect(refusal(input, '')).toMatch(/configuration: /);
  });

  it("keeps the stores' sections as they are, for their adapters", () => {
    const redis = { connection: 'redis://x' };
    expect(parse({ redis, kafka: 5, maxAttempts: 2 }).sections).toEqual({ redis, kafka: 5 });
  });
});

describe('the choice of queues that are processed', () => {
  const emails = { plugin: 'mail', name: 'emails' };
  it.each<[unknown, boolean]>([
    [true, true],
    [false, false],
    [{ include: ['emails'] }, true],
    [{ include: ['mail/emails'] }, true],
    [{ include: ['other/emails', 'refresh'] }, false],
    [{ include: [] }, false],
    [{ exclude: ['emails'] }, false],
    [{ exclude: ['mail/emails'] }, false],
    [{ exclude: ['mail'] }, true],
    [{ exclude: [] }, true],
  ])('%j means %s', (process, processed) => {
    expect(processesQueue(parse({ process }), emails)).toBe(processed);
  });
});
