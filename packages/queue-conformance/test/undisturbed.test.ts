import { expect, test } from 'vitest';
import { undisturbed } from '../src/undisturbed.ts';

/** Keeps the event loop from turning. */
function standStill(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end;);
}

test('what fails while the process stands still is tried again', async () => {
  let attempts = 0;
  await undisturbed(50, async () => {
    attempts++;
    if (attempts > 1) return;
    // The monitor needs a turn of the loop to see where the stall begins.
    await new Promise(resolve => setTimeout(resolve, 30));
    standStill(200);
    throw new Error('the lease has ended');
  });
  expect(attempts).toBe(2);
});

test('what fails on a process that runs smoothly has failed', async () => {
  let attempts = 0;
  const failing = undisturbed(Infinity, async () => {
    attempts++;
    throw new Error('the lease has ended');
  });
  await expect(failing).rejects.toThrow('the lease has ended');
  expect(attempts).toBe(1);
});

test('what fails again and again has failed, however busy the process', async () => {
  const failing = undisturbed(0, () => Promise.reject(new Error('the lease has ended')));
  await expect(failing).rejects.toThrow('the lease has ended');
});
