// Asks for shared servers and for one Redis of its own, says what it got, and waits to be ended.
import { ownServer, testServer } from '@switchyard/test-servers';
import type { ServerName } from '@switchyard/test-servers';

const shared = await Promise.all((process.argv.slice(2) as ServerName[]).map(testServer));
const own = await ownServer('redis');

process.stdout.write(
  `${JSON.stringify({
    keeper: process.env['SWITCHYARD_TEST_SERVERS'],
    shared: shared.map(({ address }) => address),
    own: own.address,
    way: own.way,
  })}\n`,
);
process.stdin.resume();
