import { expect, it } from 'vitest';
import { queueKeys } from '../src/keys.ts';

it('keeps all keys of a queue in one slot, and those of two queues apart', () => {
  const queues = [
    { plugin: 'a-b', name: 'c' },
    { plugin: 'a', name: 'b-c' },
    { plugin: '', name: 'x' },
    { plugin: '', name: 'x.dead' },
    { plugin: '', name: 'X' },
    { plugin: 'a/b', name: 'c' },
    { plugin: 'a', name: 'c' },
    { plugin: 'a}b', name: 'c' },
  ].map(name => queueKeys('switchyard', name));
  const all = queues.flatMap(({ keys, channel }) => [...keys, channel]);
  expect(new Set(all).size).toBe(all.length);
  for (const { keys, channel } of queues) {
    expect(new Set([...keys, channel].map(key => /\{[^}]+\}/.exec(key)?.[0])).size).toBe(1);
  }
});
