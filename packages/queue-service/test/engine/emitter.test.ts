import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { Emitter } from '../../src/engine/emitter.ts';
import { expectNoUnhandledRejections } from './world.ts';

function setUp() {
  const troubles: unknown[] = [];
  return { emitter: new Emitter(error => void troubles.push(error)), troubles };
}

describe('Emitter', () => {
  it('calls the listeners of an event in the order in which they came, until they are removed', () => {
    const { emitter } = setUp();
    const heard: string[] = [];
    const stop = emitter.on('added', ({ id }) => heard.push(`1 ${id}`));
    emitter.on('added', ({ id }) => heard.push(`2 ${id}`));
    emitter.on('dead', ({ id }) => heard.push(`dead ${id}`));
    emitter.emit('added', { id: 'a' });
    stop();
    stop();
    emitter.emit('added', { id: 'b' });
    expect(heard).toEqual(['1 a', '2 a', '2 b']);
  });

  it('knows whether anybody listens', () => {
    const { emitter } = setUp();
    expect(emitter.hears('added')).toBe(false);
    const stop = emitter.on('added', () => {});
    expect(emitter.hears('added')).toBe(true);
    stop();
    expect(emitter.hears('added')).toBe(false);
  });

  it('treats the same function registered twice as two listeners', () => {
    const { emitter } = setUp();
    let calls = 0;
    const listener = () => void calls++;
    const stop = emitter.on('added', listener);
    emitter.on('added', listener);
    emitter.emit('added', { id: 'a' });
    stop();
    emitter.emit('added', { id: 'b' });
    expect(calls).toBe(3);
  });

  it('reports what listeners throw or reject with, and calls the others', async () => {
    expectNoUnhandledRejections();
    const { emitter, troubles } = setUp();
    const heard: string[] = [];
    const rejects: () => Promise<void> = runInNewContext(`async () => { throw 'foreign' }`);
    const listeners: (() => unknown)[] = [
      () => {
        throw new Error('thrown');
      },
      () => Promise.reject(new Error('rejected')),
      rejects,
      () => ({ then: (_: unknown, reject: (reason: unknown) => void) => reject('thenable') }),
      () => heard.push('last'),
    ];
    for (const listener of listeners) emitter.on('added', listener);
    emitter.emit('added', { id: 'a' });
    expect(heard).toEqual(['last']);
    await new Promise(resolve => void setImmediate(resolve));
    expect(troubles).toHaveLength(4);
    expect(troubles).toEqual(
      expect.arrayContaining([new Error('thrown'), new Error('rejected'), 'foreign', 'thenable']),
    );
  });

  it('does not call a listener for the event during which it was added', () => {
    const { emitter } = setUp();
    let calls = 0;
    // Listening for the next one each time is what a promise-returning "next event" does.
    const again = () => {
      if (++calls > 10) throw new Error('it goes on for ever');
      stop();
      stop = emitter.on('added', again);
    };
    let stop = emitter.on('added', again);
    emitter.emit('added', { id: 'a' });
    expect(calls).toBe(1);
    emitter.emit('added', { id: 'b' });
    expect(calls).toBe(2);
  });
});
