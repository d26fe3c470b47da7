import { QueueManager } from '@switchyard/queue-service';
import { parse } from 'yaml';
import { describe, expect, it } from 'vitest';
import { parseQueueConfig } from '../../packages/queue-service/src/config/queue-config.ts';
import { codeBlocks } from './code-blocks.ts';
import { document, documents } from './documents.ts';
import { tableRows } from './tables.ts';

const withQueue = documents()
  .flatMap(codeBlocks)
  .filter(({ language }) => language === 'yaml')
  .map(block => ({ ...block, queue: parse(block.code)?.backend?.queue }))
  .filter(({ queue }) => queue !== undefined);

it.each(withQueue)('accepts the configuration of $path:$line', ({ queue }) => {
  expect(() => start(queue)).not.toThrow();
});

it('finds configurations to check', () => {
  expect(withQueue.length).toBeGreaterThan(3);
});

describe('docs/configuration.md', () => {
  const page = document('docs/configuration.md');
  const rows = tableRows(page, 'Keys').map(([key = '', defaultValue = '']) => ({ key, defaultValue }));

  it.each(rows)('says truly that the default of $key is $defaultValue', ({ key, defaultValue }) => {
    const explicit = parseQueueConfig(nested(key.split('.'), parse(defaultValue)), '');
    expect(explicit).toEqual(parseQueueConfig({}, ''));
  });

  it('has a line for every key', () => {
    const { prefix: _, sections: __, deadLetters, ...keys } = parseQueueConfig({}, '');
    const expected = [...Object.keys(keys), ...Object.keys(deadLetters).map(key => `deadLetters.${key}`)];
    expect(rows.map(({ key }) => key).toSorted()).toEqual(expected.toSorted());
  });

  it.each([{ maxAttempts: 'many', addTimeout: 'soon' }, { maxAttemps: 3 }])('quotes what is said about %j', queue => {
    const quotes = codeBlocks(page).filter(({ language }) => language === 'text');
    expect(quotes.map(({ code }) => code)).toContain(messageOf(() => start(queue)));
  });
});

/** As the Backstage service does with what is under `backend.queue`. */
function start(queue: unknown): QueueManager {
  return QueueManager.fromConfig({ getOptional: () => queue });
}

function nested([key = '', ...rest]: readonly string[], value: unknown): Record<string, unknown> {
  return { [key]: rest.length === 0 ? value : nested(rest, value) };
}

function messageOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('Nothing was thrown');
}
