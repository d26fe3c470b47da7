import { describe, expect, it } from 'vitest';
import { Attempt } from '../../src/engine/attempt.ts';
import { Slots } from '../../src/engine/slots.ts';
import { job } from './scripted-store.ts';
import { watch } from './world.ts';

const attempt = (id: string) => new Attempt(job(id), { do: 'run', suspect: false }, 0);

describe('Slots', () => {
  it('knows who runs', () => {
    const slots = new Slots();
    const [a, b] = [attempt('a'), attempt('b')];
    slots.take(a);
    slots.take(b);
    expect(slots.size).toBe(2);
    expect(slots.has('a')).toBe(true);
    expect([...slots.attempts()]).toEqual([a, b]);
    slots.free(a);
    expect(slots.size).toBe(1);
    expect(slots.has('a')).toBe(false);
  });

  it('says when one becomes free', () => {
    const slots = new Slots();
    let freed = 0;
    slots.onFree = () => void freed++;
    const a = attempt('a');
    slots.take(a);
    expect(freed).toBe(0);
    slots.free(a);
    expect(freed).toBe(1);
  });

  it('resolves empty() for all who wait, once nobody runs', async () => {
    const slots = new Slots();
    await slots.empty();
    const [a, b] = [attempt('a'), attempt('b')];
    slots.take(a);
    slots.take(b);
    const waiting = [watch(slots.empty()), watch(slots.empty())];
    slots.free(a);
    await Promise.resolve();
    expect(waiting.map(({ done }) => done)).toEqual([false, false]);
    slots.free(b);
    await Promise.resolve();
    expect(waiting.map(({ done }) => done)).toEqual([true, true]);
  });
});
