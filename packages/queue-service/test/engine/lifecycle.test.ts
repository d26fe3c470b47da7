import { isQueueError } from '@switchyard/queue-api';
import { describe, expect, it } from 'vitest';
import { Lifecycle } from '../../src/engine/lifecycle.ts';
import { watch } from './world.ts';

/** Something that starts and stops when the test lets it. */
class Worker {
  readonly log: string[] = [];
  picksUp = false;
  readonly pausing: (() => void)[] = [];
  readonly stopping: (() => void)[] = [];

  start(): void {
    this.log.push('start');
    this.picksUp = true;
  }

  pause(): Promise<void> {
    this.log.push('pause');
    this.picksUp = false;
    return new Promise(resolve => void this.pausing.push(resolve));
  }

  stop(timeoutMs: number): Promise<void> {
    this.log.push(`stop ${timeoutMs}`);
    this.picksUp = false;
    return new Promise(resolve => void this.stopping.push(resolve));
  }
}

const turn = () => new Promise(resolve => void setImmediate(resolve));

function setUp() {
  const lifecycle = new Lifecycle('q');
  const workers: Worker[] = [];
  const process = () =>
    lifecycle.process(() => {
      const worker = new Worker();
      workers.push(worker);
      return worker;
    });
  const worker = (): Worker => workers.at(-1) as Worker;
  /** Lets all pauses and stops end. */
  const release = async () => {
    for (let round = 0; round < 10; round++) {
      for (const one of workers) for (const end of [...one.pausing.splice(0), ...one.stopping.splice(0)]) end();
      await turn();
    }
  };
  return { lifecycle, workers, worker, process, release };
}

function refusal(call: () => void): string {
  try {
    call();
  } catch (error) {
    if (isQueueError(error, 'invalid-state')) return error.message;
  }
  throw new Error('it was not refused with InvalidStateError');
}

describe('Lifecycle, idle', () => {
  it('starts a worker when asked to process', () => {
    const { lifecycle, process, worker } = setUp();
    expect(lifecycle.state).toBe('idle');
    process();
    expect(lifecycle.state).toBe('running');
    expect(worker().log).toEqual(['start']);
  });

  it('remembers a pause until resume', async () => {
    const { lifecycle, process, worker } = setUp();
    await lifecycle.pause();
    expect(lifecycle.state).toBe('idle');
    process();
    expect(lifecycle.state).toBe('paused');
    expect(worker().log).toEqual([]);
    await lifecycle.resume();
    expect(lifecycle.state).toBe('running');
    expect(worker().log).toEqual(['start']);
  });

  it('forgets it with resume', async () => {
    const { lifecycle, process } = setUp();
    await lifecycle.pause();
    await lifecycle.resume();
    process();
    expect(lifecycle.state).toBe('running');
  });

  it('has nothing to disconnect', async () => {
    const { lifecycle } = setUp();
    await lifecycle.disconnect(1);
    expect(lifecycle.state).toBe('idle');
  });

  it('stays idle when the worker cannot be made', () => {
    const { lifecycle, process } = setUp();
    expect(() =>
      lifecycle.process(() => {
        throw new Error('no');
      }),
    ).toThrow('no');
    expect(lifecycle.state).toBe('idle');
    process();
    expect(lifecycle.state).toBe('running');
  });

  it('is running without a worker on an instance that only adds, and can be paused and stopped', async () => {
    const { lifecycle } = setUp();
    lifecycle.process(() => undefined);
    expect(lifecycle.state).toBe('running');
    await lifecycle.pause();
    await lifecycle.resume();
    await lifecycle.disconnect(1);
    expect(lifecycle.state).toBe('idle');
  });
});

describe('Lifecycle, running', () => {
  it('refuses a second handler', () => {
    const { process } = setUp();
    process();
    expect(refusal(process)).toMatch(/has a handler already/);
  });

  it('pauses, and resolves once the worker has', async () => {
    const { lifecycle, process, worker, release } = setUp();
    process();
    const paused = watch(lifecycle.pause());
    expect(lifecycle.state).toBe('paused');
    await turn();
    expect(worker().log).toEqual(['start', 'pause']);
    expect(paused.done).toBe(false);
    await release();
    expect(paused.done).toBe(true);
  });

  it('stays running when told to resume', async () => {
    const { lifecycle, process, worker } = setUp();
    process();
    await lifecycle.resume();
    expect(worker().log).toEqual(['start']);
  });

  it('disconnects once, whoever asks', async () => {
    const { lifecycle, process, worker, release } = setUp();
    process();
    const first = lifecycle.disconnect(7);
    expect(lifecycle.state).toBe('stopping');
    expect(lifecycle.disconnect(8)).toBe(first);
    await release();
    await first;
    expect(lifecycle.state).toBe('idle');
    expect(worker().log).toEqual(['start', 'stop 7']);
  });
});

describe('Lifecycle, paused', () => {
  it('refuses a second handler', async () => {
    const { lifecycle, process, release } = setUp();
    process();
    void lifecycle.pause();
    await release();
    expect(refusal(process)).toMatch(/has a handler already/);
  });

  it('gives all who pause the same end', async () => {
    const { lifecycle, process, worker, release } = setUp();
    process();
    const pauses = [watch(lifecycle.pause()), watch(lifecycle.pause())];
    await turn();
    expect(pauses.map(({ done }) => done)).toEqual([false, false]);
    await release();
    expect(pauses.map(({ done }) => done)).toEqual([true, true]);
    expect(worker().log).toEqual(['start', 'pause']);
  });

  it.each([
    ['pause resume', true],
    ['pause resume pause', false],
    ['pause resume pause resume', true],
    ['pause pause resume resume', true],
    ['pause resume resume pause pause', false],
  ])('ends as the last call said, however quick: %s', async (calls, picksUp) => {
    const { lifecycle, process, worker, release } = setUp();
    process();
    const ends = calls.split(' ').map(call => watch(call === 'pause' ? lifecycle.pause() : lifecycle.resume()));
    await release();
    expect(ends.every(({ done }) => done)).toBe(true);
    expect(lifecycle.state).toBe(picksUp ? 'running' : 'paused');
    expect(worker().picksUp).toBe(picksUp);
  });

  it('does not make up for pauses that are over: the last call takes effect after one at most', async () => {
    const { lifecycle, process, worker } = setUp();
    process();
    for (let round = 0; round < 50; round++) {
      void lifecycle.pause();
      void lifecycle.resume();
    }
    await turn();
    expect(worker().pausing.length).toBeLessThanOrEqual(1);
    for (const end of worker().pausing.splice(0)) end();
    await turn();
    expect(worker().picksUp).toBe(true);
    expect(worker().log.filter(entry => entry === 'pause').length).toBeLessThanOrEqual(1);
  });

  it('keeps the pause over disconnect and process', async () => {
    const { lifecycle, process, worker, release } = setUp();
    process();
    void lifecycle.pause();
    await release();
    void lifecycle.disconnect(1);
    await release();
    process();
    expect(lifecycle.state).toBe('paused');
    expect(worker().log).toEqual([]);
  });
});

describe('Lifecycle, stopping', () => {
  async function stopping() {
    const world = setUp();
    world.process();
    const stopped = watch(world.lifecycle.disconnect(1));
    await turn();
    return { ...world, stopped };
  }

  it('refuses a handler', async () => {
    const { process } = await stopping();
    expect(refusal(process)).toMatch(/is disconnecting/);
  });

  it('remembers a pause, which resolves when all has stopped', async () => {
    const { lifecycle, process, worker, release } = await stopping();
    const paused = watch(lifecycle.pause());
    await turn();
    expect(paused.done).toBe(false);
    expect(lifecycle.state).toBe('stopping');
    await release();
    expect(paused.done).toBe(true);
    expect(worker().log).toEqual(['start', 'stop 1']);
    process();
    expect(lifecycle.state).toBe('paused');
  });

  it('forgets it with resume, and starts nothing', async () => {
    const { lifecycle, process, worker, release } = await stopping();
    void lifecycle.pause();
    void lifecycle.resume();
    await release();
    expect(worker().log).toEqual(['start', 'stop 1']);
    expect(lifecycle.state).toBe('idle');
    process();
    expect(lifecycle.state).toBe('running');
  });
});

describe('Lifecycle, disconnected in the middle of a pause', () => {
  it('does not wait for the pause to end', async () => {
    const { lifecycle, process, worker } = setUp();
    process();
    void lifecycle.pause();
    await turn();
    const stopped = watch(lifecycle.disconnect(1));
    await turn();
    for (const end of worker().stopping) end();
    await turn();
    expect(stopped.done).toBe(true);
    expect(lifecycle.state).toBe('idle');
  });

  it('starts nothing afterwards, although a resume was on its way', async () => {
    const { lifecycle, process, worker, release } = setUp();
    process();
    void lifecycle.pause();
    void lifecycle.resume();
    void lifecycle.disconnect(1);
    await release();
    expect(worker().picksUp).toBe(false);
    expect(worker().log).not.toContain('start,start');
    expect(worker().log.filter(entry => entry === 'start')).toHaveLength(1);
  });

  it('leaves the next worker alone when the old pause ends', async () => {
    const { lifecycle, process, worker, workers, release } = setUp();
    process();
    void lifecycle.pause();
    void lifecycle.resume();
    void lifecycle.pause();
    const stopped = lifecycle.disconnect(1);
    await turn();
    for (const end of worker().stopping) end();
    await stopped;
    await lifecycle.resume();
    process();
    expect(worker().picksUp).toBe(true);
    await release();
    expect(workers).toHaveLength(2);
    expect(worker().log).toEqual(['start']);
    expect(lifecycle.state).toBe('running');
  });
});

describe('Lifecycle, retired', () => {
  it('takes no handler any more', async () => {
    const { lifecycle, process, release } = setUp();
    process();
    const retired = watch(lifecycle.retire(1));
    expect(refusal(process)).toMatch(/shutting down/);
    await release();
    expect(retired.done).toBe(true);
    expect(refusal(process)).toMatch(/shutting down/);
    await lifecycle.pause();
    await lifecycle.resume();
    await lifecycle.disconnect(1);
  });
});
