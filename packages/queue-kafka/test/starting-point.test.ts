import { expect, it } from 'vitest';
import { Ledger } from '../src/log/ledger.ts';
import { startingPoint } from '../src/log/starting-point.ts';

const TOPIC = '00000000-0000-0000-0000-000000000001';

/** Twenty records, the first ten are finished, and so is the one at offset 15. */
function start({
  cutAt,
  begins = 0,
  ends = 20,
  topicId = TOPIC,
}: Partial<Record<'cutAt' | 'begins' | 'ends', number>> & { topicId?: string } = {}) {
  const former = new Ledger(TOPIC, 100, 0);
  for (let offset = 0; offset < 20; offset++) former.open(offset);
  for (const offset of [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15]) former.finish(offset);
  const committed = { ...former.commit(), epoch: 3 };
  const warnings: string[] = [];
  const facts = { topic: 'jobs', topicId, partition: 0, range: { start: begins, end: ends }, committed, cutAt };
  const { ledger, lastEpoch } = startingPoint(facts, 100, warning => warnings.push(warning));
  return { at: ledger.watermark, isAheadFinished: ledger.isFinished(15), lastEpoch, warnings };
}

it('begins where the commit says, and asks with its epoch whether the log was cut', () => {
  expect(start()).toEqual({ at: 10, isAheadFinished: true, lastEpoch: 3, warnings: [] });
});

it('begins at the cut if that is before the commit, and takes nothing behind it for finished', () => {
  expect(start({ cutAt: 7 })).toMatchObject({
    at: 7,
    isAheadFinished: false,
    lastEpoch: -1,
    warnings: [expect.stringMatching(/was cut at 7/)],
  });
});

it('takes nothing behind a cut for finished that is behind the commit', () => {
  expect(start({ cutAt: 12 })).toEqual({ at: 10, isAheadFinished: false, lastEpoch: -1, warnings: [] });
});

it('begins at the start of a log that ends before the commit, and of another topic of the same name', () => {
  expect(start({ ends: 9 })).toMatchObject({
    at: 0,
    lastEpoch: -1,
    warnings: [expect.stringMatching(/is committed: its log was cut/)],
  });
  const other = '00000000-0000-0000-0000-000000000002';
  expect(start({ topicId: other })).toEqual({ at: 0, isAheadFinished: false, lastEpoch: -1, warnings: [] });
});

it('begins at the start of a log that somebody has cut at its other end, and says so', () => {
  expect(start({ begins: 12 })).toMatchObject({
    at: 12,
    isAheadFinished: true,
    lastEpoch: -1,
    warnings: [expect.stringMatching(/removed/)],
  });
});
