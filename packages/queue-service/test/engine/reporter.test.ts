import { describe, expect, it } from 'vitest';
import { healthError, type Logger, Reporter } from '../../src/engine/reporter.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { HOSTILE } from './hostile-errors.ts';
import { expectNoUnhandledRejections, recordingReporter } from './world.ts';

function setUp() {
  const clock = new ManualClock();
  return { clock, ...recordingReporter(clock) };
}

describe('Reporter', () => {
  it('logs what happens once, every time', () => {
    const { reporter, lines } = setUp();
    reporter.log('info', 'hello');
    reporter.log('info', 'hello');
    expect(lines).toEqual(['info hello', 'info hello']);
  });

  it('logs the same trouble once a minute and queue, and says how often it was left out', async () => {
    const { reporter, lines, clock } = setUp();
    for (let second = 0; second < 60; second++) {
      reporter.trouble('warn', 'down', 'The store is down', 'q');
      await clock.advance(1000);
    }
    expect(lines).toEqual(['warn The store is down']);
    reporter.trouble('warn', 'down', 'The store is down', 'q');
    expect(lines).toEqual(['warn The store is down', 'warn The store is down (and 59 more times since)']);
    reporter.trouble('warn', 'down', 'The store is down', 'other');
    reporter.trouble('error', 'other', 'Something else', 'q');
    reporter.trouble('error', 'other', 'Something else');
    expect(lines).toHaveLength(5);
  });

  it('keeps no more than so many kinds of trouble in mind, and the latest of them', () => {
    const { reporter, lines } = setUp();
    for (let code = 0; code < 2000; code++) reporter.trouble('warn', `code-${code}`, 'x');
    expect(lines).toHaveLength(2000);
    reporter.trouble('warn', 'code-1999', 'x');
    reporter.trouble('warn', 'code-1500', 'x');
    expect(lines).toHaveLength(2000);
    reporter.trouble('warn', 'code-0', 'x');
    expect(lines).toHaveLength(2001);
  });

  it('says what caused the trouble, and passes code and queue as meta data', () => {
    const metas: unknown[] = [];
    const note = (message: string, meta?: unknown) => void metas.push([message, meta]);
    const reporter = new Reporter({ debug: note, info: note, warn: note, error: note }, new ManualClock());
    reporter.trouble('warn', 'c', 'm', 'q', new Error('because'));
    reporter.trouble('error', 'd', 'm', undefined, 'reasons');
    expect(metas).toEqual([
      ['m: because', { code: 'c', queue: 'q' }],
      ['m: reasons', { code: 'd' }],
    ]);
  });

  it.each(HOSTILE)('speaks of any cause: %s', (_, make) => {
    const { reporter, lines } = setUp();
    // No cause at all is not spoken of.
    reporter.trouble('warn', 'c', 'm', 'q', make());
    expect(lines).toHaveLength(1);
  });

  it('is not harmed by a logger that throws, rejects or is incomplete', async () => {
    expectNoUnhandledRejections();
    const throwing = () => {
      throw new Error('disk full');
    };
    const rejecting: () => void = () => Promise.reject(new Error('disk full'));
    const loggers: Logger[] = [
      { debug: throwing, info: throwing, warn: throwing, error: throwing },
      { debug: rejecting, info: rejecting, warn: rejecting, error: rejecting },
      {} as Logger,
    ];
    for (const logger of loggers) {
      const reporter = new Reporter(logger, new ManualClock());
      reporter.log('info', 'x');
      reporter.trouble('error', 'c', 'm');
    }
    await new Promise(resolve => void setImmediate(resolve));
  });
});

describe('healthError', () => {
  it('has a code even where the error has none', () => {
    const clock = new ManualClock(5);
    expect(healthError(new Error('x'), clock)).toEqual({ at: new Date(5), code: 'unknown', message: 'x' });
    expect(healthError({ code: 42, message: 'x' }, clock).code).toBe('42');
    expect(healthError({ code: {}, message: 'x' }, clock).code).toBe('unknown');
    const hostile = Object.defineProperty(new Error('x'), 'code', {
      get() {
        throw new Error('must not be read');
      },
    });
    expect(healthError(hostile, clock).code).toBe('unknown');
  });
});
