import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { Fifo } from '../src/fifo.ts';

it('gives back what was pushed first, through any mix of long and short runs', () => {
  const run = fc.record({ push: fc.nat({ max: 300 }), shift: fc.nat({ max: 300 }) });
  fc.assert(
    fc.property(fc.array(run, { maxLength: 20 }), runs => {
      const fifo = new Fifo<{ n: number }>();
      const model: { n: number }[] = [];
      let n = 0;
      for (const { push, shift } of runs) {
        for (let times = 0; times < push; times++) {
          const item = { n: n++ };
          fifo.push(item);
          model.push(item);
        }
        expect([fifo.size, fifo.first, fifo.last]).toEqual([model.length, model[0], model.at(-1)]);
        for (let times = 0; times < shift; times++) expect(fifo.shift()).toBe(model.shift());
        expect([fifo.size, fifo.first, fifo.last]).toEqual([model.length, model[0], model.at(-1)]);
      }
    }),
  );
});
