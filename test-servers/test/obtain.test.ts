import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { freePort } from '@switchyard/test-servers';
import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { openRun } from '../src/keeper/run.ts';
import { up, upOnFreePort } from '../src/keeper/up.ts';
import type { Machine } from '../src/keeper/machine.ts';
import { kinds } from '../src/kinds/index.ts';
import type { ServerName } from '../src/kinds/kind.ts';
import { findBinary, newestOf } from '../src/obtain/find-binary.ts';
import { oneAtATime } from '../src/obtain/one-at-a-time.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-obtain-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

function program(path: string, mode = 0o755): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, '');
  chmodSync(path, mode);
  return path;
}

test('programs are found in the order of the PATH, if they may be run', () => {
  const folder = scratch();
  program(join(folder, 'a', 'server'), 0o644);
  const found = program(join(folder, 'b', 'server'));
  program(join(folder, 'c', 'server'));
  vi.stubEnv('PATH', ['a', 'b', 'c'].map(each => join(folder, each)).join(':'));
  expect(findBinary('server')).toBe(found);
  expect(findBinary('nothing')).toBeUndefined();
});

test('of several versions side by side the newest is taken', () => {
  const folder = scratch();
  program(join(folder, '9.6', 'bin', 'server'));
  const newest = program(join(folder, '15', 'bin', 'server'));
  mkdirSync(join(folder, '16'));
  expect(newestOf(folder, 'bin/server')).toBe(newest);
  expect(newestOf(join(folder, 'nowhere'), 'bin/server')).toBeUndefined();
});

test.for([
  ['redis', 'SWITCHYARD_TEST_REDIS_URL', 'apt-get install redis-server'],
  ['kafka', 'SWITCHYARD_TEST_KAFKA_BROKERS', 'apt-get install default-jre-headless maven'],
  ['sqs', 'SWITCHYARD_TEST_SQS_ENDPOINT', 'apt-get install default-jre-headless maven'],
] as const)('where %s cannot be had, the test fails with what helps', async ([name, variable, command]) => {
  const run = openRun();
  onTestFinished(() => run.end());
  vi.stubEnv('PATH', '/nowhere');
  vi.stubEnv('JAVA_HOME', '');
  vi.spyOn(process, 'getuid').mockReturnValue(1000);
  const prepared = prepare(name, { run, folder: run.newFolder(name), port: 1 });
  await expect(prepared).rejects.toThrow(variable);
  await expect(prepared).rejects.toThrow(command);
});

async function prepare(name: ServerName, place: Parameters<(typeof kinds)['redis']['prepare']>[0]): Promise<void> {
  await kinds[name].prepare(place, {});
}

function machineOn(port: number, failure?: string): Machine & { removed: boolean } {
  return {
    way: 'process',
    address: { host: '127.0.0.1', port },
    removed: false,
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    kill: () => Promise.resolve(),
    remove() {
      this.removed = true;
      return Promise.resolve();
    },
    isRunning: () => Promise.resolve(failure === undefined),
    log: () => Promise.resolve(failure ?? ''),
  };
}

test('a server whose port was taken meanwhile is started on another one', async () => {
  const machines: ReturnType<typeof machineOn>[] = [];
  const machine = await upOnFreePort(
    async port => {
      const made = machineOn(port, machines.length === 0 ? 'bind: Address already in use' : undefined);
      machines.push(made);
      return made;
    },
    async ({ port }) => {
      if (port === machines[0]?.address.port) throw new Error('nobody is there');
    },
  );
  expect(machine).toBe(machines[1]);
  expect(machines.map(({ removed }) => removed)).toEqual([true, false]);
});

test('a server that ends before it answers fails at once, with the end of its log', async () => {
  const machine = machineOn(await freePort(), 'Fatal config file error');
  const refuses = () => Promise.reject(new Error('nobody is there'));
  await expect(up(machine, refuses)).rejects.toThrow('Fatal config file error');
  await expect(upOnFreePort(async () => machine, refuses)).rejects.toThrow('ended before it answered');
  expect(machine.removed).toBe(true);
});

test('a server that does not answer fails after a minute, with the reason', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const failure = up(machineOn(1), () => Promise.reject(new Error('LOADING'))).catch(String);
  await vi.advanceTimersByTimeAsync(61_000);
  expect(await failure).toContain('LOADING');
});

test('what must not run twice at a time waits for its turn, also behind a failure', async () => {
  const steps: string[] = [];
  const work = oneAtATime(async (name: string) => {
    steps.push(`${name} begins`);
    await Promise.resolve();
    steps.push(`${name} ends`);
    if (name === 'first') throw new Error('failed');
  });
  await Promise.allSettled([work('first'), work('second')]);
  expect(steps).toEqual(['first begins', 'first ends', 'second begins', 'second ends']);
});
