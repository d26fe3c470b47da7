import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const API = new URL('../../queue-api/src/index.ts', import.meta.url).href;
const MEMORY = new URL('../src/index.ts', import.meta.url).href;

/** Runs a program of its own with an open queue and returns what it prints until it ends by itself. */
async function run(program: string): Promise<string> {
  const source = `
    import { registerHooks } from 'node:module';
    registerHooks({ resolve: (name, context, next) => next(name === '@switchyard/queue-api' ? ${JSON.stringify(API)} : name, context) });
    const { memoryAdapter } = await import(${JSON.stringify(MEMORY)});
    const context = { instance: 'test', deadLetters: { maxAgeMs: Infinity, maxCount: 10 }, report() {} };
    const queue = await (await memoryAdapter.connect(undefined, context)).open({ plugin: '', name: 'queue' });
    const { signal } = new AbortController();
    const add = delayMs => queue.enqueue([{ id: String(delayMs), body: '{}', headers: {}, priority: 20, delayMs }], { timeoutMs: 1 });
    const reserve = waitMs => queue.reserve({ max: 1, leaseMs: 600_000, waitMs, signal });
    ${program}
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', source]);
  return stdout.trim();
}

it('a program that only adds jobs, also delayed ones, may end', async () => {
  expect(await run(`await add(0); await add(600_000); console.log('added');`)).toBe('added');
});

it('a program that leaves a lease open may end', async () => {
  expect(await run(`await add(0); console.log((await reserve(0)).length);`)).toBe('1');
});

it('a worker that waits stays, as long as it may wait', async () => {
  expect(await run(`console.log((await reserve(100)).length, 'after waiting');`)).toBe('0 after waiting');
});

it('a worker that waits for a delayed job gets it, and the program may end without waiting on', async () => {
  expect(await run(`await add(100); console.log((await reserve(600_000)).length);`)).toBe('1');
});
