import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { testServer } from '@switchyard/test-servers';
import { expect, onTestFinished, test, vi } from 'vitest';
import { controlSocket, sweepRunFolders } from '../src/keeper/run-folder.ts';
import { isListening, startProgram } from './start-program.ts';

const patient = { timeout: 20_000 };

test.for(['SIGKILL', 'SIGTERM', 'SIGINT'] as const)(
  'a run that dies of %s leaves no server and no file',
  { timeout: 60_000 },
  async signal => {
    const program = await startProgram('own', ['redis', 'postgres', 'sqs']);
    const all = [...program.shared, program.own];
    expect(await Promise.all(all.map(isListening))).toEqual(all.map(() => true));
    expect(existsSync(program.folder)).toBe(true);

    await program.kill(signal);
    await vi.waitFor(async () => {
      expect(await Promise.all(all.map(isListening))).toEqual(all.map(() => false));
      expect(existsSync(program.folder)).toBe(false);
    }, patient);
  },
);

test('servers do not keep a run from ending by itself, and end with it', async () => {
  const program = await startProgram('own', ['redis']);
  await program.finish();
  await vi.waitFor(() => expect(existsSync(program.folder)).toBe(false), patient);
  expect(await isListening(program.own)).toBe(false);
});

test('a server of one’s own ends with the process that asked for it, a shared one with the run', async () => {
  const shared = await testServer('redis');
  const program = await startProgram('this', ['redis']);
  expect(program.shared).toEqual([shared.address]);
  await program.kill('SIGKILL');
  await vi.waitFor(async () => expect(await isListening(program.own)).toBe(false), patient);
  expect(await isListening(shared.address)).toBe(true);
});

test('even the end of the keeper itself by SIGKILL leaves no server', async ({ skip }) => {
  if (process.platform !== 'linux') skip('only Linux tells a process that its parent is gone');
  const program = await startProgram('own', ['redis']);
  onTestFinished(() => rmSync(program.folder, { recursive: true, force: true }));
  if (program.way === 'docker') {
    await program.finish();
    skip('a container ends in its own time, by the hand of Testcontainers’ reaper');
  }
  const children = readFileSync(`/proc/${program.pid}/task/${program.pid}/children`, 'utf8').trim().split(' ');
  expect(children).toHaveLength(1);
  process.kill(Number(children[0]), 'SIGKILL');
  await vi.waitFor(async () => expect(await isListening(program.own)).toBe(false), patient);
  await program.finish();
});

test('a run removes the folders of runs that could not do it themselves, and no others', async () => {
  const [left, young, kept] = Array.from({ length: 3 }, () => mkdtempSync(join(tmpdir(), 'switchyard-test-servers-')));
  if (!left || !young || !kept) throw new Error('There are three');
  onTestFinished(() => [left, young, kept].forEach(folder => rmSync(folder, { recursive: true, force: true })));
  mkdirSync(join(left, 'redis-1'));
  const keeper = createServer(socket => socket.destroy()).listen(controlSocket(kept));
  onTestFinished(() => void keeper.close());
  const hourAgo = new Date(Date.now() - 3_600_000);
  for (const folder of [left, kept]) utimesSync(folder, hourAgo, hourAgo);

  await sweepRunFolders();
  expect([left, young, kept].filter(folder => existsSync(folder))).toEqual([young, kept]);
});
