import { describe, expect, it } from 'vitest';
import { ExpiryQueue } from '../../src/engine/expiry-queue.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';

function setUp(ttlMs = 100) {
  const clock = new ManualClock(0);
  const expired: string[] = [];
  const at = new Map<string, number>();
  const queue = new ExpiryQueue<string>(clock, ttlMs, item => {
    expired.push(item);
    at.set(item, clock.now());
  });
  return { clock, queue, expired, at };
}

describe('ExpiryQueue', () => {
  it('calls back for each item after its time, not before', async () => {
    const { clock, queue, expired } = setUp();
    queue.add('a');
    await clock.advance(40);
    queue.add('b');
    await clock.advance(59);
    expect(expired).toEqual([]);
    await clock.advance(1);
    expect(expired).toEqual(['a']);
    await clock.advance(39);
    expect(expired).toEqual(['a']);
    await clock.advance(1);
    expect(expired).toEqual(['a', 'b']);
    expect(queue.size).toBe(0);
  });

  it('does not call back for what was deleted, and keeps the time of the others', async () => {
    const { clock, queue, expired, at } = setUp();
    queue.add('a');
    await clock.advance(30);
    queue.add('b');
    queue.delete('a');
    await clock.advance(200);
    expect(expired).toEqual(['b']);
    expect(at.get('b')).toBe(130);
  });

  it('needs one timer for any number of items', () => {
    const clock = new ManualClock(0);
    let timers = 0;
    const counting = {
      now: () => clock.now(),
      setTimeout: (callback: () => void, ms: number) => {
        timers++;
        return clock.setTimeout(callback, ms);
      },
    };
    const queue = new ExpiryQueue<number>(counting, 100, () => {});
    for (let item = 0; item < 1000; item++) queue.add(item);
    expect(timers).toBe(1);
  });

  it('forgets everything when cleared, and works again afterwards', async () => {
    const { clock, queue, expired } = setUp();
    queue.add('a');
    await clock.advance(50);
    queue.clear();
    await clock.advance(10);
    queue.add('b');
    await clock.advance(99);
    expect(expired).toEqual([]);
    await clock.advance(1);
    expect(expired).toEqual(['b']);
  });

  it('gives an item that is added again its whole time, without holding up those behind it', async () => {
    const { clock, queue, expired, at } = setUp();
    queue.add('a');
    await clock.advance(10);
    queue.add('b');
    await clock.advance(50);
    queue.add('a');
    await clock.advance(200);
    expect(expired).toEqual(['b', 'a']);
    expect([at.get('b'), at.get('a')]).toEqual([110, 160]);
  });

  it('expires the next item on time although an item was added from the callback', async () => {
    const clock = new ManualClock(0);
    const at = new Map<string, number>();
    let again = true;
    const queue = new ExpiryQueue<string>(clock, 100, item => {
      at.set(item, clock.now());
      if (item === 'a' && again) queue.add('a');
      again = false;
    });
    queue.add('a');
    await clock.advance(1);
    queue.add('b');
    await clock.advance(500);
    expect(at.get('b')).toBe(101);
    expect(at.get('a')).toBe(200);
  });

  it('lets the process end although items are waiting', () => {
    let unreferenced = 0;
    const timer = {
      cancel: () => {},
      unref() {
        unreferenced++;
        return timer;
      },
    };
    const queue = new ExpiryQueue<string>({ now: () => 0, setTimeout: () => timer }, 100, () => {});
    queue.add('a');
    expect(unreferenced).toBe(1);
  });
});
