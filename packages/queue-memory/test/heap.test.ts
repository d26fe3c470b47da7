import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Heap, type HeapEntry } from '../src/heap.ts';

interface Entry extends HeapEntry {
  key: number;
  readonly serial: number;
}

const byKey = (a: Entry, b: Entry) => (a.key === b.key ? a.serial < b.serial : a.key < b.key);

const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('push' as const), key: fc.integer({ min: 0, max: 20 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('pop' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('delete' as const), pick: fc.nat() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('update' as const),
      pick: fc.nat(),
      key: fc.integer({ min: 0, max: 20 }),
    }),
  },
);

describe('a heap', () => {
  it('behaves as a sorted list does, whatever is pushed, popped, deleted and updated', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), steps => {
        const heap = new Heap(byKey);
        let model: Entry[] = [];
        let serial = 0;
        for (const action of steps) {
          const picked = 'pick' in action ? model[action.pick % model.length] : undefined;
          if (action.do === 'push') {
            const entry = { key: action.key, serial: serial++, slot: -1 };
            heap.push(entry);
            model.push(entry);
          } else if (action.do === 'pop') {
            const popped = heap.pop();
            model = model.filter(entry => entry !== popped);
          } else if (action.do === 'update' && picked !== undefined) {
            picked.key = action.key;
            heap.update(picked);
          } else if (picked !== undefined) {
            heap.delete(picked);
            model = model.filter(entry => entry !== picked);
          }
          model = model.toSorted((a, b) => a.key - b.key || a.serial - b.serial);
          expect(heap.size).toBe(model.length);
          expect(heap.first).toBe(model[0]);
          expect(model.every(entry => heap.has(entry))).toBe(true);
          expect(picked !== undefined && heap.has(picked)).toBe(picked !== undefined && model.includes(picked));
        }
        for (const entry of model) expect(heap.pop()).toBe(entry);
        expect(heap.pop()).toBeUndefined();
      }),
    );
  });

  it('knows the entries of another heap from its own', () => {
    const [one, other] = [new Heap(byKey), new Heap(byKey)];
    const entry = { key: 1, serial: 1, slot: -1 };
    one.push(entry);
    other.push({ key: 1, serial: 2, slot: -1 });
    expect(one.has(entry)).toBe(true);
    expect(other.has(entry)).toBe(false);
  });

  it('takes sorted input with one comparison an entry, and gives it back with about log2(n)', () => {
    let comparisons = 0;
    const heap = new Heap<Entry>((a, b) => {
      comparisons++;
      return byKey(a, b);
    });
    const count = 2 ** 12;
    for (let key = 0; key < count; key++) heap.push({ key, serial: key, slot: -1 });
    expect(comparisons).toBeLessThan(count);
    comparisons = 0;
    while (heap.size > 0) heap.pop();
    expect(comparisons).toBeLessThan(count * 13);
  });
});
