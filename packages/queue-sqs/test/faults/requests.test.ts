import { rounds } from '@switchyard/fault-kit';
import { describe, expect, it } from 'vitest';
import { refusal, requestProxy } from '../request-proxy.ts';
import { troubledQueue } from './troubled-service.ts';

/** An answer that is lost can strand what is in it for the length of a lease. */
const timeout = 60_000 + rounds(3, 20) * 15_000;

/** Half of its answers are yes, in no order, the same in every run. */
function coin(): () => boolean {
  let state = 1;
  return () => {
    state = (state * 16_807) % 2_147_483_647;
    return state % 2 === 0;
  };
}

describe('answers that are lost after SQS has acted', () => {
  it.each(['SendMessage', 'ReceiveMessage', 'DeleteMessage'])('to %s lose no job', { timeout }, async action => {
    await using proxy = await requestProxy();
    await using scene = await troubledQueue(proxy.url);
    let requests = 0;
    let lost = 0;
    proxy.decide = request => {
      if (request.action !== action || ++requests % 3 !== 2) return 'pass';
      lost++;
      return 'lose-reply';
    };
    for (let round = 0; round < rounds(3, 20); round++) {
      await scene.add(20);
      if (round === 0) scene.process(5);
      const twice = await scene.allRan();
      console.log(`${lost} answers to ${action} lost: ${scene.ran.length} runs, ${twice} of them again, none lost`);
    }
    expect(lost).toBeGreaterThan(0);
  });
});

describe('a server that refuses half of what it is asked', () => {
  it.each([
    ['as it is unavailable', refusal(503, 'ServiceUnavailable')],
    ['as it is too much', refusal(400, 'ThrottlingException')],
    ['with a text from a gateway', { status: 503, body: {} }],
  ])('%s loses no job and runs none twice', { timeout }, async (_, answer) => {
    await using proxy = await requestProxy();
    // Leases as they are by default: in their time every refusal comes to an end.
    await using scene = await troubledQueue(proxy.url, 30_000);
    const toss = coin();
    proxy.decide = () => (toss() ? answer : 'pass');
    for (let round = 0; round < rounds(3, 20); round++) {
      await scene.add(50);
      if (round === 0) scene.process(10);
      expect(await scene.allRan()).toBe(0);
    }
  });

  it('entry by entry hurts nobody but these entries', { timeout: 60_000 }, async () => {
    await using proxy = await requestProxy();
    await using scene = await troubledQueue(proxy.url, 30_000);
    const toss = coin();
    proxy.decide = ({ input }) => {
      const entries = input['Entries'] as { Id: string }[] | undefined;
      if (entries === undefined || toss()) return 'pass';
      const Failed = entries.map(({ Id }) => ({
        Id,
        SenderFault: false,
        Code: 'ThrottlingException',
        Message: 'slow',
      }));
      return { status: 200, body: { Successful: [], Failed } };
    };
    await scene.add(50);
    scene.process(10);
    expect(await scene.allRan()).toBe(0);
  });
});
