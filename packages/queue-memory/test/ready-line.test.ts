import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { ReadyLine } from '../src/ready-line.ts';
import { isAheadOf, StoredJob } from '../src/stored-job.ts';
import { newJob } from './test-queue.ts';

const place = fc.record({
  priority: fc.integer({ min: -1, max: 1 }),
  readyAt: fc.integer({ min: 0, max: 5 }),
  popAfter: fc.nat({ max: 2 }),
});

it('gives out the best job it has, in whatever order they come', () => {
  fc.assert(
    fc.property(fc.array(place, { maxLength: 100 }), places => {
      const line = new ReadyLine();
      let model: StoredJob[] = [];
      const popBoth = () => {
        const [best, ...rest] = model.toSorted((a, b) => (isAheadOf(a, b) ? -1 : 1));
        model = rest;
        expect(line.pop()).toBe(best);
        expect(line.size).toBe(rest.length);
      };
      for (const [sequence, { priority, readyAt, popAfter }] of places.entries()) {
        const job = new StoredJob(newJob({ priority }), readyAt, sequence);
        line.push(job);
        model.push(job);
        for (let times = 0; times < popAfter; times++) popBoth();
      }
      while (model.length > 0) popBoth();
      expect(line.pop()).toBeUndefined();
    }),
  );
});
