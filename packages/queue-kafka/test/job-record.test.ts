import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  deadForeignRecord,
  deadJobRecord,
  isTick,
  movedRecord,
  newRecord,
  type ReadJob,
  readJob,
  sameRecord,
  tickRecord,
} from '../src/job-record.ts';
import { type FetchedRecord, RecordCursor } from '../src/kafka/record-batch-reader.ts';
import { type RecordToWrite, writeRecordBatch } from '../src/kafka/record-batch-writer.ts';
import { newJob } from './open-store.ts';

/** The way through Kafka and back. */
function stored(record: RecordToWrite): FetchedRecord {
  const read = new RecordCursor(writeRecordBatch([record], 1_700_000_000_000), 0).next();
  if (read === undefined) throw new Error('There is no record');
  return read;
}

function readBack(record: RecordToWrite): ReadJob {
  const job = readJob(stored(record));
  if (typeof job === 'string') throw new Error(`It is no job: ${job}`);
  return job;
}

const text = fc.string({ unit: 'grapheme' });
const time = fc.nat(8_640_000_000_000_000);
const headers = fc.dictionary(text, text);
const id = fc.string({ unit: 'grapheme', minLength: 1 });
const job: fc.Arbitrary<ReadJob> = fc
  .record(
    {
      id,
      body: text,
      headers,
      priority: fc.integer(),
      attempts: fc.nat(),
      enqueuedAt: time,
      note: text,
      waitMs: time,
      dueAt: time,
    },
    { requiredKeys: ['id', 'body', 'headers', 'priority', 'attempts'] },
  )
  // JSON keeps no others.
  .map(made => ({ ...made, headers: JSON.parse(JSON.stringify(made.headers)) as Record<string, string> }));

describe('a job', () => {
  it('that is moved comes back with all there is of it', () => {
    fc.assert(
      fc.property(job, moved => {
        expect(readBack(movedRecord(moved))).toEqual(moved);
      }),
    );
  });

  it('that is added has made no attempt, and a delay only if it is delayed', () => {
    const added = fc.record({ id, body: text, headers, priority: fc.integer(), delayMs: fc.nat() });
    fc.assert(
      fc.property(added, ({ delayMs, ...given }) => {
        const expected = { ...given, attempts: 0, ...(delayMs > 0 && { waitMs: delayMs }) };
        const back = readBack(newRecord({ ...given, delayMs }));
        expect({ ...back, headers: { ...back.headers } }).toEqual({ ...expected, headers: { ...given.headers } });
      }),
    );
  });

  it('as most are has one header, and no more than it needs', () => {
    expect(newRecord(newJob({ id: 'an id', body: '1' }))).toEqual({
      key: 'an id',
      value: '1',
      headers: [['switchyard', '1']],
    });
  });

  it('that is due between two milliseconds is not due before', () => {
    const back = readBack(movedRecord({ ...readBack(newRecord(newJob())), waitMs: 10.2, dueAt: 99.5 }));
    expect(back).toMatchObject({ waitMs: 11, dueAt: 100 });
  });

  it('does not give others headers that somebody changed', () => {
    const { headers: none } = readBack(newRecord(newJob()));
    expect(() => Object.assign(none, { a: 'b' })).toThrow(TypeError);
  });
});

describe('a dead job', () => {
  const ending = { note: 'over', attempts: 5, enqueuedAt: 1_700_000_000_000 };

  it('keeps id, body, headers and priority, and waits for nothing', () => {
    fc.assert(
      fc.property(job, dead => {
        const back = readBack(deadJobRecord(dead, ending));
        const { id: key, body, headers: kept, priority } = dead;
        // Read as a job, it is one that was put back.
        expect(back).toEqual({ id: key, body, headers: kept, priority, ...ending, attempts: 0 });
      }),
    );
  });

  it('says how often it was tried, and when it died', () => {
    const written = new Map(deadJobRecord(readBack(newRecord(newJob())), ending).headers);
    expect(written.get('switchyard-attempts')).toBe('5');
    expect(Number(written.get('switchyard-dead-at'))).toBeGreaterThan(ending.enqueuedAt);
  });
});

const bytes = fc.uint8Array().map(part => Buffer.from(part));
const name = fc.string({ unit: 'grapheme' }).filter(given => !given.startsWith('switchyard'));
const foreign = fc.record({
  key: fc.option(bytes),
  value: fc.option(bytes),
  headers: fc.array(fc.tuple(name, fc.option(bytes))),
});

describe('a record of somebody else', () => {
  it('is no job, and is the same in another topic', () => {
    fc.assert(
      fc.property(foreign, record => {
        const read = stored(record);
        expect(readJob(read)).toBe('it has no header "switchyard"');
        const { key, value, headers: kept } = stored(sameRecord(read));
        expect({ key, value }).toEqual({ key: record.key, value: record.value });
        expect(kept).toEqual(record.headers);
      }),
    );
  });

  it('lies among the dead letters byte for byte, with ours behind its headers', () => {
    fc.assert(
      fc.property(foreign, record => {
        const dead = stored(deadForeignRecord(stored(record), { note: 'why', attempts: 1, enqueuedAt: 2 }));
        expect({ key: dead.key, value: dead.value }).toEqual({ key: record.key, value: record.value });
        expect(dead.headers.slice(0, record.headers.length)).toEqual(record.headers);
        expect(dead.headers.slice(record.headers.length).map(([ours]) => ours)).toEqual([
          'switchyard-attempts',
          'switchyard-enqueued-at',
          'switchyard-note',
          'switchyard-dead-at',
        ]);
        // Put back, it is still no job.
        expect(readJob(dead)).toBe('it has no header "switchyard"');
      }),
    );
  });

  it('is not what asks for the time, unless it is empty with one header of ours', () => {
    expect(isTick(stored(tickRecord()))).toBe(true);
    fc.assert(fc.property(foreign, record => !isTick(stored(record))));
    fc.assert(fc.property(job, made => !isTick(stored(movedRecord(made)))));
  });
});

describe('what is wrong with a record', () => {
  const like = (changes: Partial<RecordToWrite>) =>
    stored({ key: 'k', value: '1', headers: [['switchyard', '1']], ...changes });
  const withHeader = (header: string, value: string | null) =>
    like({
      headers: [
        ['switchyard', '1'],
        [header, value],
      ],
    });

  it.each([
    ['another version', like({ headers: [['switchyard', '2']] }), 'says version "2", this is 1'],
    ['an empty version', like({ headers: [['switchyard', null]] }), 'says version ""'],
    ['no key', like({ key: null }), 'no key'],
    ['an empty key', like({ key: '' }), 'no key'],
    ['no value', like({ value: null }), 'no value'],
    ['headers that are no JSON', withHeader('switchyard-headers', '{'), '"switchyard-headers" is not an object'],
    ['headers that are a list', withHeader('switchyard-headers', '["a"]'), '"switchyard-headers"'],
    ['headers that are null', withHeader('switchyard-headers', 'null'), '"switchyard-headers"'],
    ['headers of numbers', withHeader('switchyard-headers', '{"a":1}'), '"switchyard-headers"'],
    ['empty headers', withHeader('switchyard-headers', null), '"switchyard-headers"'],
    ...['-priority', '-attempts', '-enqueued-at', '-wait', '-due-at'].flatMap(header =>
      ['', 'x', '1.5', '1e3', ' 1', '0x1', '99999999999999999', 'NaN', 'Infinity'].map(
        (value): [string, FetchedRecord, string] => [
          `"switchyard${header}" of "${value}"`,
          withHeader(`switchyard${header}`, value),
          `"switchyard${header}" is not a whole number`,
        ],
      ),
    ),
    ['attempts below zero', withHeader('switchyard-attempts', '-1'), '"switchyard-attempts"'],
    ['a wait below zero', withHeader('switchyard-wait', '-1'), '"switchyard-wait"'],
  ])('is said: %s', (_, record, why) => {
    expect(readJob(record)).toContain(why);
  });

  it('is nothing where somebody has added headers of their own', () => {
    expect(readJob(withHeader('traceparent', '00-1'))).toMatchObject({ id: 'k', body: '1', attempts: 0 });
  });

  it('is never an exception, whatever the headers are', () => {
    const ours = fc.constantFrom('', '-headers', '-priority', '-attempts', '-enqueued-at', '-due-at', '-wait', '-note');
    const header = fc.tuple(
      ours.map(end => `switchyard${end}`),
      fc.option(
        fc.oneof(
          bytes,
          fc.constant(Buffer.from('1')),
          fc.json().map(json => Buffer.from(json)),
        ),
      ),
    );
    fc.assert(
      fc.property(fc.array(header), read => {
        const record = stored({ key: 'k', value: '1', headers: read });
        expect(['string', 'object']).toContain(typeof readJob(record));
      }),
    );
  });
});
