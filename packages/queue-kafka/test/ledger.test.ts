import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { finishedAhead, Ledger } from '../src/log/ledger.ts';

const TOPIC = 'b1c7f2a0-6f0c-4c38-9d4d-1f3d2a5c7e90';
/** The most that `maxUncommitted` may be. */
const MOST = 20_000;

/** A log of which some offsets have no record, and what is done with it. */
interface Story {
  readonly start: number;
  readonly gaps: readonly number[];
  readonly limits: readonly [number, ...number[]];
  readonly steps: readonly Step[];
}

type Step = { readonly kind: 'take' | 'restart' } | { readonly kind: 'finish'; readonly which: number };

const limit = fc.integer({ min: 1, max: 40 });
const gap = fc.oneof(
  { weight: 6, arbitrary: fc.constant(0) },
  { weight: 2, arbitrary: fc.nat(5) },
  { weight: 1, arbitrary: fc.nat(1_000_000_000) },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.constant({ kind: 'take' as const }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('finish' as const), which: fc.nat() }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'restart' as const }) },
);
const story: fc.Arbitrary<Story> = fc.record({
  start: fc.nat(100),
  gaps: fc.array(gap, { minLength: 1, maxLength: 60 }),
  limits: fc.array(limit, { minLength: 1, maxLength: 3 }) as unknown as fc.Arbitrary<[number, ...number[]]>,
  steps: fc.array(step, { maxLength: 200 }),
});

/** Plays a story as a reader does, beside a set of what is finished. After each step `check` is called. */
class Play {
  readonly records: readonly number[];
  readonly end: number;
  readonly finished = new Set<number>();
  readonly open = new Set<number>();
  readonly #story: Story;
  #restarts = 0;
  /** Gaps in front of this are known, by the commit also after a restart. */
  #seen = 0;
  ledger: Ledger;

  constructor(told: Story) {
    const { start, gaps, limits } = told;
    this.#story = told;
    let at = start - 1;
    this.records = gaps.map(offsets => (at += offsets + 1));
    this.end = at + 1;
    this.ledger = new Ledger(TOPIC, limits[0], start);
  }

  get limit(): number {
    const { limits } = this.#story;
    return limits[this.#restarts % limits.length] ?? 1;
  }

  run(check: (play: Play) => void): void {
    for (const next of this.#story.steps) {
      if (next.kind === 'take') this.take();
      else if (next.kind === 'finish') this.finish(next.which);
      else this.restart();
      this.#seen = Math.max(this.#seen, this.ledger.next);
      check(this);
    }
  }

  take(): void {
    const { ledger, records } = this;
    const record = records.find(offset => offset >= ledger.next);
    if (record === undefined) {
      if (ledger.hasRoomFor(this.end - 1)) ledger.skipTo(this.end);
    } else if (ledger.isFinished(record)) {
      ledger.skipTo(record + 1);
    } else if (ledger.hasRoomFor(record)) {
      expect(this.finished.has(record) || this.open.has(record)).toBe(false);
      ledger.open(record);
      this.open.add(record);
    }
  }

  finish(which: number): void {
    const offset = [...this.open][which % Math.max(1, this.open.size)];
    if (offset === undefined) return;
    this.open.delete(offset);
    this.finished.add(offset);
    this.ledger.finish(offset);
  }

  /** A crash: what was running is not, and another goes on with the commit. */
  restart(): void {
    const commit = this.ledger.commit();
    this.open.clear();
    this.#restarts += 1;
    this.ledger = new Ledger(TOPIC, this.limit, commit.offset, finishedAhead(commit, TOPIC));
  }

  /** Is this offset done with, as far as anybody can know? */
  isDone(offset: number): boolean {
    return this.finished.has(offset) || (offset < this.#seen && !this.records.includes(offset));
  }

  /** What is done with, from the watermark on. */
  get ahead(): number[] {
    const { watermark } = this.ledger;
    const known = new Set([...this.finished, ...range(watermark, this.#seen)]);
    return [...known].filter(offset => offset >= watermark && this.isDone(offset)).toSorted((a, b) => a - b);
  }
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, index) => from + index);
}

function forAll(check: () => (play: Play) => void): void {
  fc.assert(
    fc.property(story, told => new Play(told).run(check())),
    { numRuns: 500 },
  );
}

describe('a ledger, whatever is done with it', () => {
  it('has the first offset that is not finished as its watermark', () => {
    forAll(() => play => {
      const { watermark, next } = play.ledger;
      expect(play.isDone(watermark)).toBe(false);
      expect(play.records.filter(offset => offset < watermark && !play.finished.has(offset))).toEqual([]);
      expect(next).toBeGreaterThanOrEqual(watermark);
    });
  });

  it('never goes back', () => {
    forAll(() => {
      let highest = 0;
      return ({ ledger }) => {
        expect(ledger.watermark).toBeGreaterThanOrEqual(highest);
        highest = ledger.watermark;
      };
    });
  });

  it('knows of each record whether it is finished, and how many are ahead', () => {
    forAll(() => play => {
      const { ledger, records, finished } = play;
      expect(records.filter(offset => ledger.isFinished(offset))).toEqual(
        records.filter(offset => finished.has(offset)),
      );
      expect(ledger.ahead).toBe(play.ahead.length);
    });
  });

  it('keeps what is handed out within the limit', () => {
    forAll(() => {
      let longest = 0;
      return ({ ledger, limit: allowed }) => {
        // A limit that was lowered does not undo what was handed out under the former.
        longest = Math.max(longest, allowed);
        expect(ledger.span).toBeLessThanOrEqual(longest);
      };
    });
  });

  it('says all of it in its commit, and nothing else', () => {
    forAll(() => play => {
      const commit = play.ledger.commit();
      expect(finishedAhead(commit, TOPIC)).toEqual(play.ahead);
      expect(commit.offset).toBe(play.ledger.watermark);
    });
  });

  it('has changed whenever a commit would say something else', () => {
    forAll(() => {
      let before: { ledger: Ledger; changes: number; said: string } | undefined;
      return ({ ledger }) => {
        const commit = ledger.commit();
        const said = JSON.stringify([commit.offset, finishedAhead(commit, TOPIC)]);
        if (before?.ledger === ledger && before.said !== said) expect(ledger.changes).not.toBe(before.changes);
        before = { ledger, changes: ledger.changes, said };
      };
    });
  });

  it('ends with nothing open, however often it was begun anew', () => {
    fc.assert(
      fc.property(story, told => {
        const play = new Play(told);
        play.run(() => {});
        for (let left = 10 * play.records.length; left > 0 && play.ledger.watermark < play.end; left--) {
          play.take();
          play.finish(left);
        }
        expect(play.ledger.watermark).toBe(play.end);
        expect([...play.finished].toSorted((a, b) => a - b)).toEqual(play.records);
      }),
      { numRuns: 300 },
    );
  });
});

describe('a commit', () => {
  it('fits into the 4096 bytes that Kafka keeps, at the largest limit', () => {
    const ledger = new Ledger(TOPIC, MOST, 0);
    for (const offset of range(0, MOST)) ledger.open(offset);
    for (const offset of range(1, MOST)) if (offset % 2 === 1) ledger.finish(offset);
    const commit = ledger.commit();
    expect(commit.metadata.length).toBeLessThanOrEqual(4096);
    expect(finishedAhead(commit, TOPIC)).toEqual(range(1, MOST).filter(offset => offset % 2 === 1));
  });

  it('of a topic that had the same name says nothing of this one', () => {
    const ledger = new Ledger(TOPIC, 10, 0);
    ledger.open(0);
    ledger.open(1);
    ledger.finish(1);
    expect(finishedAhead(ledger.commit(), TOPIC)).toEqual([1]);
    expect(finishedAhead(ledger.commit(), 'another')).toBeUndefined();
  });

  it('that somebody has made by hand is where to go on', () => {
    for (const metadata of ['', ' ', 'by hand', '2 something newer', '11', `${TOPIC} 1`]) {
      expect(finishedAhead({ offset: 5, metadata }, TOPIC)).toEqual([]);
    }
  });

  it('never says that something in front of it is finished, whatever its metadata are', () => {
    const metadata = fc.oneof(
      fc.string(),
      fc.string().map(bits => `1 ${TOPIC} ${bits}`),
      fc.base64String().map(bits => `1 ${TOPIC} ${bits} more`),
    );
    fc.assert(
      fc.property(metadata, fc.nat(), (text, offset) => {
        const ahead = finishedAhead({ offset, metadata: text }, TOPIC) ?? [];
        expect(ahead.every(finished => finished > offset)).toBe(true);
        expect(ahead).toEqual([...new Set(ahead)].toSorted((a, b) => a - b));
      }),
    );
  });
});

describe('an offset', () => {
  it('that is finished twice counts once', () => {
    const ledger = new Ledger(TOPIC, 10, 0);
    for (const offset of [0, 1, 2]) ledger.open(offset);
    ledger.finish(1);
    ledger.finish(1);
    expect([ledger.ahead, ledger.watermark]).toEqual([1, 0]);
    ledger.finish(0);
    ledger.finish(0);
    expect([ledger.ahead, ledger.watermark]).toEqual([0, 2]);
  });

  it('at which all waited lets the others go on at once', () => {
    const ledger = new Ledger(TOPIC, 3, 0);
    for (const offset of [0, 1, 2]) ledger.open(offset);
    for (const offset of [1, 2]) ledger.finish(offset);
    expect(ledger.hasRoomFor(3)).toBe(false);
    ledger.finish(0);
    expect([ledger.hasRoomFor(3), ledger.watermark]).toEqual([true, 3]);
  });

  it('far behind a gap has to wait for what runs in front of it, and then is next', () => {
    const ledger = new Ledger(TOPIC, 3, 0);
    ledger.open(0);
    expect(ledger.hasRoomFor(1_000_000_000_000)).toBe(false);
    ledger.finish(0);
    expect(ledger.hasRoomFor(1_000_000_000_000)).toBe(true);
    ledger.open(1_000_000_000_000);
    expect([ledger.watermark, ledger.span]).toEqual([1_000_000_000_000, 1]);
  });

  it('outside of all that is kept is refused, and nothing else suffers', () => {
    const ledger = new Ledger(TOPIC, 3, 0);
    ledger.open(0);
    expect(() => ledger.finish(1_000_000)).toThrow(RangeError);
    ledger.finish(0);
    expect(ledger.watermark).toBe(1);
  });
});
