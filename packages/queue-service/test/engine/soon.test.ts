import { describe, expect, it } from 'vitest';
import { Soon } from '../../src/engine/soon.ts';

describe('Soon', () => {
  it('runs once for any number of requests of the same turn', async () => {
    let runs = 0;
    const soon = new Soon(() => void runs++);
    for (let n = 0; n < 10; n++) soon.request();
    expect(runs).toBe(0);
    await Promise.resolve();
    expect(runs).toBe(1);
    soon.request();
    await Promise.resolve();
    expect(runs).toBe(2);
  });

  it('lets go of the event loop now and then, however often it requests itself', async () => {
    let runs = 0;
    let timerHadItsTurn = false;
    const timer = new Promise<void>(resolve => {
      setTimeout(() => {
        timerHadItsTurn = true;
        resolve();
      }, 0);
    });
    // What a store in memory does: every answer asks for the next.
    const soon = new Soon(() => {
      runs++;
      if (!timerHadItsTurn && runs < 1_000_000) soon.request();
    });
    soon.request();
    await timer;
    expect(runs).toBeLessThan(1_000_000);
    expect(runs).toBeGreaterThan(0);
  });
});
