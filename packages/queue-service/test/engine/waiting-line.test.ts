import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WaitingLine } from '../../src/engine/waiting-line.ts';

describe('WaitingLine', () => {
  it('is first in, first out', () => {
    const line = new WaitingLine<number>();
    for (const item of [1, 2, 3, 4, 5]) line.push(item);
    expect(line.take(2)).toEqual([1, 2]);
    expect([...line]).toEqual([3, 4, 5]);
    expect(line.take(10)).toEqual([3, 4, 5]);
    expect(line.size).toBe(0);
    expect(line.take(1)).toEqual([]);
  });

  it('takes back to its head, in the order given', () => {
    const line = new WaitingLine<number>();
    for (const item of [1, 2, 3, 4]) line.push(item);
    line.putBack(line.take(3).slice(1));
    line.push(5);
    expect([...line]).toEqual([2, 3, 4, 5]);
  });

  it('behaves like an array, whatever is done to it', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('push' as const), item: fc.nat() }),
      fc.record({ do: fc.constant('take' as const), max: fc.integer({ min: 1, max: 5 }) }),
      fc.record({ do: fc.constant('putBack' as const), items: fc.array(fc.nat(), { maxLength: 4 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), steps => {
        const line = new WaitingLine<number>();
        let model: number[] = [];
        for (const one of steps) {
          if (one.do === 'push') {
            line.push(one.item);
            model.push(one.item);
          } else if (one.do === 'take') {
            expect(line.take(one.max)).toEqual(model.splice(0, one.max));
          } else {
            line.putBack(one.items);
            model = [...one.items, ...model];
          }
          expect(line.size).toBe(model.length);
          expect([...line]).toEqual(model);
        }
      }),
    );
  });
});
