import { createServer } from 'node:net';
import { createFaultProxy, freePort } from '@switchyard/test-servers';
import { expect, onTestFinished, test, vi } from 'vitest';
import { openLine, startLineServer } from './line-server.ts';

async function setUp() {
  const server = await startLineServer();
  const proxy = await createFaultProxy(server.address);
  onTestFinished(async () => {
    await proxy.close();
    await server[Symbol.asyncDispose]();
  });
  return { server, proxy };
}

test('without faults everything passes both ways, in order', async () => {
  const { proxy } = await setUp();
  using client = await openLine(proxy.address);
  const lines = Array.from({ length: 1000 }, (_, number) => `${number}: ${'x'.repeat(number)}`);
  for (const line of lines) client.say(line);
  await vi.waitFor(() => expect(client.answers).toHaveLength(1000));
  expect(client.answers).toEqual(lines.map(line => `re: ${line}`));
});

test('the end of a client reaches the server, and its end the client', async () => {
  const { server, proxy } = await setUp();
  using client = await openLine(proxy.address);
  client.say('last words');
  client.end();
  expect(await client.closed).toBe('closed');
  expect(client.answers).toEqual(['re: last words']);
  await vi.waitFor(() => expect(server.connections()).toBe(0));
});

test('a server that is not there resets its clients', async () => {
  await using proxy = await createFaultProxy({ host: '127.0.0.1', port: await freePort() });
  using client = await openLine(proxy.address);
  expect(await client.closed).toBe('ECONNRESET');
});

test('a cut resets all connections at both ends, and new ones are welcome', async () => {
  const { server, proxy } = await setUp();
  using one = await openLine(proxy.address);
  using other = await openLine(proxy.address);
  await vi.waitFor(() => expect(server.connections()).toBe(2));
  proxy.cut();
  expect(await Promise.all([one.closed, other.closed])).toEqual(['ECONNRESET', 'ECONNRESET']);
  await vi.waitFor(() => expect(server.connections()).toBe(0));
  using next = await openLine(proxy.address);
  next.say('hello');
  await vi.waitFor(() => expect(next.answers).toEqual(['re: hello']));
});

test('refusing resets all connections and lets nobody in until it heals', async () => {
  const { proxy } = await setUp();
  using before = await openLine(proxy.address);
  await proxy.refuse();
  expect(await before.closed).toBe('ECONNRESET');
  using during = await openLine(proxy.address);
  expect(await during.closed).toBe('ECONNREFUSED');
  await proxy.heal();
  using after = await openLine(proxy.address);
  after.say('hello');
  await vi.waitFor(() => expect(after.answers).toEqual(['re: hello']));
});

test('in a black hole requests arrive late, and the server does not learn that a client is gone', async () => {
  const { server, proxy } = await setUp();
  using patient = await openLine(proxy.address);
  using impatient = await openLine(proxy.address);
  patient.say('before');
  await vi.waitFor(() => expect(patient.answers).toEqual(['re: before']));
  await vi.waitFor(() => expect(server.connections()).toBe(2));

  proxy.blackHole();
  patient.say('during');
  impatient.reset();
  using newcomer = await openLine(proxy.address);
  newcomer.say('anybody?');
  // By now what was said before would have been heard.
  await impatient.closed;
  await talkOnce(server.address);
  expect(server.heard).toEqual(['before', 'directly']);
  await vi.waitFor(() => expect(server.connections()).toBe(2));

  await proxy.heal();
  await vi.waitFor(() => expect(patient.answers).toEqual(['re: before', 're: during']));
  await vi.waitFor(() => expect(newcomer.answers).toEqual(['re: anybody?']));
  await vi.waitFor(() => expect(server.connections()).toBe(2));
});

test('in a black hole towards the client requests are heard and answers are not', async () => {
  const { server, proxy } = await setUp();
  using client = await openLine(proxy.address);
  proxy.blackHole('toClient');
  client.say('hello');
  await vi.waitFor(() => expect(server.heard).toEqual(['hello']));
  await talkOnce(server.address);
  expect(client.answers).toEqual([]);
  await proxy.heal();
  await vi.waitFor(() => expect(client.answers).toEqual(['re: hello']));
});

test('in a black hole towards the server what it says still arrives', async () => {
  const speaker = createServer(socket => {
    socket.on('error', () => {});
    const timer = setInterval(() => socket.write('news\n'), 5);
    socket.on('close', () => clearInterval(timer));
  });
  const port = await freePort();
  speaker.listen(port, '127.0.0.1');
  await using proxy = await createFaultProxy({ host: '127.0.0.1', port });
  onTestFinished(() => void speaker.close());
  using client = await openLine(proxy.address);
  await vi.waitFor(() => expect(client.answers).not.toEqual([]));
  proxy.blackHole('toServer');
  const before = client.answers.length;
  await vi.waitFor(() => expect(client.answers.length).toBeGreaterThan(before + 1));
});

test('cut inside a black hole, a connection does not come back', async () => {
  const { server, proxy } = await setUp();
  using client = await openLine(proxy.address);
  await vi.waitFor(() => expect(server.connections()).toBe(1));
  proxy.blackHole();
  client.say('lost');
  await talkOnce(server.address);
  proxy.cut();
  await proxy.heal();
  expect(await client.closed).toBe('ECONNRESET');
  await vi.waitFor(() => expect(server.connections()).toBe(0));
  expect(server.heard).toEqual(['directly']);
});

test('a delay holds requests back as long as it says, and what follows keeps its order', async () => {
  const { server, proxy } = await setUp();
  using client = await openLine(proxy.address);
  client.say('one');
  await vi.waitFor(() => expect(client.answers).toHaveLength(1));
  proxy.delay(150);
  const sent = performance.now();
  client.say('two');
  await vi.waitFor(() => expect(server.heard).toEqual(['one', 'two']), { interval: 1 });
  // The lower bound is the promise; there is no upper one.
  expect(performance.now() - sent).toBeGreaterThanOrEqual(149);
  await proxy.heal();
  client.say('three');
  await vi.waitFor(() => expect(client.answers).toEqual(['re: one', 're: two', 're: three']));
});

test('a dropped reply: the server does what it was told, and the client does not hear of it', async () => {
  const { server, proxy } = await setUp();
  using client = await openLine(proxy.address);
  using bystander = await openLine(proxy.address);
  const dropped = proxy.dropNextReply('pay');
  client.say('look');
  await vi.waitFor(() => expect(client.answers).toEqual(['re: look']));
  client.say('pay');
  await dropped;
  expect(await client.closed).toBe('ECONNRESET');
  expect(client.answers).toEqual(['re: look']);
  expect(server.heard).toEqual(['look', 'pay']);

  bystander.say('pay');
  await vi.waitFor(() => expect(bystander.answers).toEqual(['re: pay']));
});

test('a dropped request: the server does not hear of it, and the client is reset', async () => {
  const { server, proxy } = await setUp();
  using client = await openLine(proxy.address);
  using bystander = await openLine(proxy.address);
  const dropped = proxy.dropNextRequest('pay');
  client.say('look');
  await vi.waitFor(() => expect(client.answers).toEqual(['re: look']));
  client.say('pay');
  await dropped;
  expect(await client.closed).toBe('ECONNRESET');

  bystander.say('pay at last');
  await vi.waitFor(() => expect(bystander.answers).toEqual(['re: pay at last']));
  expect(server.heard).toEqual(['look', 'pay at last']);
});

test('healing takes back a reply to be dropped that nobody asked for yet', async () => {
  const { proxy } = await setUp();
  using client = await openLine(proxy.address);
  void proxy.dropNextReply();
  await proxy.heal();
  client.say('hello');
  await vi.waitFor(() => expect(client.answers).toEqual(['re: hello']));
});

test('a closed proxy is gone with all its connections', async () => {
  const { server, proxy } = await setUp();
  using client = await openLine(proxy.address);
  proxy.blackHole();
  await proxy.close();
  expect(await client.closed).toBe('ECONNRESET');
  await vi.waitFor(() => expect(server.connections()).toBe(0));
  using late = await openLine(proxy.address);
  expect(await late.closed).toBe('ECONNREFUSED');
});

/** Resolves when a line said now, past the proxy, has been heard and answered. */
async function talkOnce(address: { host: string; port: number }): Promise<void> {
  using client = await openLine(address);
  client.say('directly');
  await vi.waitFor(() => expect(client.answers).toEqual(['re: directly']));
}
