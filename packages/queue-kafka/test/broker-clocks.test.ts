import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BrokerClocks } from '../src/kafka/broker-clocks.ts';

const NODE = 1;
/** Where the broker's clock starts, far from ours. */
const EPOCH_MS = 1_700_000_000_000;
const MINUTE_MS = 60_000;

let clocks: BrokerClocks;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'Date'] });
  clocks = new BrokerClocks();
});
afterEach(() => vi.useRealTimers());

const pass = (ms: number) => vi.advanceTimersByTime(ms);

/** Something happens: time passes, or an answer arrives that was so long on its way. */
type Step = { readonly passes: number } | { readonly answerAge: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ passes: fc.nat(5000) }),
  fc.record({ passes: fc.nat(90_000) }),
  fc.record({ answerAge: fc.nat(3000) }),
);

describe('the time of a broker', () => {
  it('is never ahead of it, and never behind by more than the quickest answer, whatever arrives when', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 50 }), steps => {
        clocks = new BrokerClocks();
        const start = performance.now();
        const brokerNow = () => EPOCH_MS + performance.now() - start;
        let quickest: { readonly age: number; readonly at: number } | undefined;
        for (const next of steps) {
          if ('passes' in next) {
            pass(next.passes);
          } else {
            clocks.heard(NODE, brokerNow() - next.answerAge);
            const isBetter = quickest === undefined || next.answerAge <= quickest.age;
            if (isBetter) quickest = { age: next.answerAge, at: performance.now() };
          }
          const known = clocks.atLeast(NODE);
          if (known === undefined) continue;
          expect(known).toBeLessThanOrEqual(brokerNow() + 1e-3);
          // One that is not a minute old counts in any case.
          if (quickest !== undefined && performance.now() - quickest.at <= MINUTE_MS) {
            expect(known).toBeGreaterThanOrEqual(brokerNow() - quickest.age - 1e-3);
          }
        }
      }),
    );
  });

  it('is not known before anything was heard, nor from another broker', () => {
    expect(clocks.atLeast(NODE)).toBeUndefined();
    clocks.heard(NODE + 1, EPOCH_MS);
    expect(clocks.atLeast(NODE)).toBeUndefined();
  });

  it('is not learned from a topic that does not stamp its records', () => {
    clocks.heard(NODE, -1);
    expect(clocks.atLeast(NODE)).toBeUndefined();
  });

  it('is known for at least a minute, and forgotten after two', () => {
    clocks.heard(NODE, EPOCH_MS);
    pass(MINUTE_MS);
    expect(clocks.atLeast(NODE)).toBeCloseTo(EPOCH_MS + MINUTE_MS, 0);
    pass(MINUTE_MS + 1);
    expect(clocks.atLeast(NODE)).toBeUndefined();
  });

  it('goes on while something is heard now and then', () => {
    clocks.heard(NODE, EPOCH_MS);
    for (let n = 1; n <= 20; n++) {
      pass(50_000);
      clocks.heard(NODE, EPOCH_MS + n * 50_000 - 2000);
      expect(clocks.atLeast(NODE)).toBeGreaterThanOrEqual(EPOCH_MS + n * 50_000 - 2000);
    }
  });

  it('that is set back is believed within two minutes', () => {
    clocks.heard(NODE, EPOCH_MS);
    const brokerNow = (passed: number) => EPOCH_MS - 3_600_000 + passed;
    for (let passed = 1000; passed <= 2 * MINUTE_MS + 2000; passed += 1000) {
      pass(1000);
      clocks.heard(NODE, brokerNow(passed));
    }
    expect(clocks.atLeast(NODE)).toBeLessThanOrEqual(brokerNow(2 * MINUTE_MS + 2000));
  });

  it('that is set forward is believed at once', () => {
    clocks.heard(NODE, EPOCH_MS);
    pass(1000);
    clocks.heard(NODE, EPOCH_MS + 3_600_000);
    expect(clocks.atLeast(NODE)).toBeCloseTo(EPOCH_MS + 3_600_000, 0);
  });

  it('is not that of this process, which may be wrong', () => {
    clocks.heard(NODE, EPOCH_MS);
    vi.setSystemTime(0);
    pass(10);
    expect(clocks.atLeast(NODE)).toBeCloseTo(EPOCH_MS + 10, 0);
  });
});
