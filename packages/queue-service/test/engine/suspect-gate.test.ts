import { describe, expect, it } from 'vitest';
import { Attempt } from '../../src/engine/attempt.ts';
import { SuspectGate } from '../../src/engine/suspect-gate.ts';
import { SuspectRoom } from '../../src/engine/suspect-room.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { job } from './scripted-store.ts';

const suspect = (id: string) => new Attempt(job(id), { do: 'run', suspect: true }, 0);
const [a, b, c] = [suspect('a'), suspect('b'), suspect('c')];

function setUp() {
  const clock = new ManualClock();
  return { clock, gate: new SuspectGate(clock, new SuspectRoom()) };
}

describe('SuspectGate', () => {
  it('takes one suspect in and lets it start', () => {
    const { gate } = setUp();
    expect(gate.admit(a, true)).toBeUndefined();
    expect(gate.waiting).toBe(a);
    expect(gate.startWaiting(() => {})).toBe(a);
    expect(gate.waiting).toBeUndefined();
    expect(gate.startWaiting(() => {})).toBeUndefined();
  });

  it('turns others away while one waits or runs, each for longer than the one before', () => {
    const { gate } = setUp();
    gate.admit(a, true);
    const first = gate.admit(b, true);
    const second = gate.admit(c, true);
    expect(first).toBeGreaterThanOrEqual(1000);
    expect(second).toBeGreaterThan(first as number);
    gate.handedBack();
    gate.handedBack();
    gate.startWaiting(() => {});
    expect(gate.admit(b, true)).toBeGreaterThanOrEqual(1000);
  });

  it('never sends one away for longer than half a minute or so', () => {
    const { gate } = setUp();
    gate.admit(a, true);
    let longest = 0;
    for (let other = 0; other < 10_000; other++)
      longest = Math.max(longest, gate.admit(suspect(`s${other}`), true) ?? 0);
    expect(longest).toBe(31_000);
  });

  it('does not start the one inside before the others are safely back', () => {
    const { gate } = setUp();
    gate.admit(a, true);
    gate.admit(b, true);
    gate.admit(c, true);
    expect(gate.startWaiting(() => {})).toBeUndefined();
    gate.handedBack();
    expect(gate.startWaiting(() => {})).toBeUndefined();
    gate.handedBack();
    expect(gate.startWaiting(() => {})).toBe(a);
  });

  it('takes the next one in once the first has left', () => {
    const { gate } = setUp();
    gate.admit(a, true);
    gate.startWaiting(() => {});
    gate.left(b);
    expect(gate.admit(b, true)).toBeDefined();
    gate.handedBack();
    gate.left(a);
    expect(gate.admit(b, true)).toBeUndefined();
  });

  it('gives up the one that waits when nothing is started any more', () => {
    const { gate } = setUp();
    gate.admit(a, true);
    expect(gate.dismissWaiting()).toBe(a);
    expect(gate.dismissWaiting()).toBeUndefined();
    expect(gate.admit(b, true)).toBeUndefined();
  });

  it('stops prefetching when one finds no free slot, until that one can be back', async () => {
    const { gate, clock } = setUp();
    expect(gate.prefetchAllowed).toBe(true);
    const delay = gate.admit(a, false);
    expect(delay).toBeDefined();
    expect(gate.prefetchAllowed).toBe(false);
    await clock.advance(delay as number);
    expect(gate.prefetchAllowed).toBe(false);
    await clock.advance(10_000);
    expect(gate.prefetchAllowed).toBe(true);
  });

  it('stops it for longer each time that was not enough, or a long line would starve the suspect', async () => {
    const { gate, clock } = setUp();
    const pauses: number[] = [];
    for (let round = 0; round < 12; round++) {
      gate.admit(a, false);
      gate.handedBack();
      const start = clock.now();
      while (!gate.prefetchAllowed) await clock.advance(1000);
      pauses.push(clock.now() - start);
    }
    expect(pauses.slice(0, 3)).toEqual([10_000, 20_000, 40_000]);
    expect(pauses.at(-1)).toBe(3_600_000);
    gate.admit(a, true);
    gate.startWaiting(() => {});
    gate.left(a);
    gate.admit(a, false);
    await clock.advance(10_000);
    expect(gate.prefetchAllowed).toBe(true);
  });

  it('lets in one suspect of all queues of the process, and waits for those that another queue hands back', () => {
    const room = new SuspectRoom();
    const clock = new ManualClock();
    const [one, other] = [new SuspectGate(clock, room), new SuspectGate(clock, room)];
    const [first, second] = [suspect('first'), suspect('second')];
    expect(one.admit(first, true)).toBeUndefined();
    expect(other.admit(second, true)).toBeGreaterThan(0);
    let told = 0;
    expect(one.startWaiting(() => told++)).toBeUndefined();
    other.handedBack();
    expect(told).toBe(1);
    expect(one.startWaiting(() => {})).toBe(first);
    expect(other.admit(second, true)).toBeGreaterThan(0);
    other.handedBack();
    one.left(first);
    expect(other.admit(second, true)).toBeUndefined();
  });
});
